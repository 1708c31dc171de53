package gen

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"bkt/internal/hint"
	"bkt/internal/manifest"

	"github.com/go-json-experiment/json/jsontext"
)

// baseSection is what base-image.tmpl gets.
type baseSection struct {
	Image  value // with its digest, if that is known
	Labels []variable
}

// A variable is a name and what it stands for.
type variable struct{ Name, Value value }

func baseData(in input, t *trace) (any, error) {
	d, err := load[manifest.Images](in.store, in.manifest)
	if err != nil {
		return nil, err
	}
	at := jsontext.Pointer("/" + string(in.kind))
	i := imageOf(d.content, in.kind)
	if i.Base.Image == "" {
		if !in.present {
			return nil, nil
		}
		err := fmt.Errorf("%s: the image has nothing to be based on", d.entry(at, "", ""))
		return nil, hint.Add(err, `give %q an "image" in %s, or write a FROM of your own in place of section %s`,
			string(in.kind)+".base", in.manifest, baseImage)
	}
	s := baseSection{Image: t.value(i.Base.String(), d.entry(at+"/base", i.Base.Image, i.Comment))}
	for _, name := range slices.Sorted(maps.Keys(i.Labels)) {
		e := d.entry((at + "/labels").AppendToken(name), name, "")
		s.Labels = append(s.Labels, variable{t.value(name, e), t.value(i.Labels[name], e)})
	}
	return s, nil
}

func imageOf(images manifest.Images, k Kind) manifest.Image {
	if k == Toolbox {
		return images.Toolbox
	}
	return images.System
}

// Platforms returns what the image k is for, such as "linux/amd64"; nothing, if
// the manifests in repo do not say.
func Platforms(k Kind, repo fs.FS) ([]string, error) {
	d, err := load[manifest.Images](newStore(repo), imageManifest)
	return imageOf(d.content, k).Platforms, err
}

// base returns the image that span i is built on: that of the last FROM above
// it, as it is written, or else that of section BASE_IMAGE.
func (r *renderer) base(i int) string {
	if i < 0 {
		return ""
	}
	base, from := "", -1
	for _, at := range r.froms(0, r.spans[i].start) {
		base, from = r.fromImage(at), at
	}
	if at := r.indexOf(baseImage); at >= 0 && from < r.spans[at].start && at < i {
		d, _ := load[manifest.Images](r.manifests, imageManifest) // what is wrong with it is said elsewhere
		return cmp.Or(imageOf(d.content, r.kind).Base.Image, base)
	}
	return base
}
