package gen

import (
	"io/fs"
	"maps"
	"slices"

	"bkt/internal/manifest"

	"github.com/go-json-experiment/json/jsontext"
)

// A Build is what image.json says about every build of an image.
type Build struct {
	Content   manifest.Build
	Target    manifest.Entry   // zero without a target
	Arguments []manifest.Entry // by their names
}

// BuildOf returns what the manifests in repo say about builds of an image.
func BuildOf(image Image, repo fs.FS) (Build, error) {
	return readBuild(newManifestCache(repo), image)
}

func readBuild(c *manifestCache, image Image) (Build, error) {
	d, err := load[manifest.Images](c, manifest.ImagePath)
	if err != nil {
		return Build{}, err
	}
	declared := declaredImage(d.Content, image)
	b, at := Build{Content: declared.Build}, jsontext.Pointer("/"+string(image)+"/build")
	if b.Content.Target != "" {
		b.Target = d.Entry(at+"/target", b.Content.Target, declared.Comment)
	}
	for _, name := range slices.Sorted(maps.Keys(b.Content.Args)) {
		b.Arguments = append(b.Arguments, d.Entry((at+"/args").AppendToken(name), name, declared.Comment))
	}
	return b, nil
}

// build returns what image.json says about builds of the file. It is about no variant of
// a Containerfile, such as Containerfile.arm64, which no build uses. The data of section
// BASE_IMAGE reports an error in the manifest.
func (r *renderer) build() Build {
	if r.manifests.repo == nil || r.file != Containerfile(r.image) {
		return Build{}
	}
	b, _ := readBuild(r.manifests, r.image)
	return b
}
