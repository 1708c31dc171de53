// Package pipeline builds, tests, pushes and loads the images of a repository, and pins
// their base images. The engine builds (package buildkit); the program bkt-engine
// speaks to registries.
package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/internal/buildkit"
	"bkt/internal/buildspec"
	"bkt/internal/hint"
	"bkt/internal/ocilayout"
	"bkt/internal/repo"
)

// Folder is the folder in a repository for the images that are built.
const Folder = buildspec.OutputFolder

// Log receives messages for the user that are not part of the result.
type Log interface {
	Warn(warnings []error)
	Note(format string, args ...any)
	Log() io.Writer // for the output of bkt-engine; io.Discard if nobody reads it
}

// ErrReported is the error of a program that has reported it to the user itself.
var ErrReported = errors.New("bkt-engine has reported an error")

// BuildOptions say how images are built and where they go.
type BuildOptions struct {
	Options
	Platform    []string // OS/ARCH; none: the platforms in the manifests
	Output      []string // a folder for an OCI layout, or type=TYPE,dest=DEST
	Load        string   // the name for podman or docker; "": do not load
	Push        []string // names in registries
	CacheTo     []string // caches outside the engine
	Compression string   // of new layers: "zstd" or "gzip"
	Attest      []string // type=TYPE
	IfChanged   string   // a name in a registry: build only if its image has other inputs
	Refresh     bool     // install packages again, and push only if they differ
}

// Built is the result of a build.
type Built struct {
	Image      gen.Image
	Digest     string
	Layout     string // the folder that has the image; "": none was built
	Unchanged  bool   // it was up to date
	Pushed     bool
	References []string // the pushed names, each with its digest
}

// Images returns the named images, or else those that r has.
func Images(r repo.Repo, names []string) []gen.Image {
	var kinds []gen.Image
	for _, k := range gen.Images() {
		if slices.Contains(names, string(k)) || len(names) == 0 && r.Has(gen.Containerfile(k)) {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// Check returns an error for options that contradict each other or the images.
func (o BuildOptions) Check(ctx context.Context, log Log, kinds []gen.Image) error {
	if len(kinds) > 1 && (len(o.Output) > 0 || len(o.Push) > 0 || o.Load != "" || o.IfChanged != "") {
		return hint.Add(errors.New("--output, --load, --push and --if-changed need a single image, but two would be built"),
			"name the image: \"bkt build system …\" or \"bkt build toolbox …\"")
	}
	if o.Load != "" {
		if _, err := loadInto(o.Load); err != nil {
			return err
		}
	}
	if len(o.Push) == 0 {
		return nil
	}
	return CheckPush(ctx, log, o.Push)
}

// Build builds the image of a recipe, unless it is up to date, and loads and pushes it
// as the options say.
func (o BuildOptions) Build(ctx context.Context, log Log, r repo.Repo, s Recipe) (result Built, err error) {
	b, dir, err := o.configure(r, &s)
	if err != nil {
		return result, err
	}
	result.Image = s.Image
	if o.IfChanged != "" {
		there, same, err := published(ctx, log, b, s.Spec, o.IfChanged)
		if err != nil || same {
			result.Digest, result.Unchanged = there.Digest, same
			return result, err
		}
	}
	l, err := o.build(ctx, log, r, b, s.Spec, dir, &result)
	if err != nil {
		return result, err
	}
	result.Digest, result.Layout = l.Digest.String(), l.Dir
	if o.Load != "" {
		if err := load(ctx, log, l, o.Load); err != nil {
			return result, err
		}
	}
	result.References, err = o.push(ctx, log, l)
	result.Pushed = len(result.References) > 0
	return result, err
}

// build builds an image, unless it is up to date.
func (o BuildOptions) build(ctx context.Context, log Log, r repo.Repo, b buildkit.Builder, s buildspec.Spec, dir string, result *Built) (ocilayout.Image, error) {
	l, same := b.Unchanged(ctx, s, dir)
	if same {
		result.Unchanged = true
		log.Note("%s is up to date", dir)
		return l, nil
	}
	s, err := Verify(ctx, s)
	if err != nil {
		return l, err
	}
	s.Provenance = provenance(ctx, log, r, s)
	l, err = b.Build(ctx, s, dir, o.ProgressTo)
	if err == nil {
		config, errConfig := l.Config(s.FirstPlatform())
		if err := tooManyLayers(len(config.RootFS.DiffIDs)); errConfig == nil && err != nil {
			log.Warn([]error{err})
		}
	}
	return l, err
}

// maxLayers is the number of layers of the largest image that docker runs: overlay file
// systems have 127, and a container needs two of its own (maxLayerDepth in
// layer/layer_store.go of moby).
const maxLayers = 125

// tooManyLayers returns an error for an image with more layers than some programs can use.
func tooManyLayers(n int) error {
	if n <= maxLayers {
		return nil
	}
	err := fmt.Errorf("the image has %d layers: docker runs none with more than %d", n, maxLayers)
	return hint.Add(err, "join RUN instructions that belong together, or take a base image with fewer layers")
}

// configure returns the builder of the image of s, and the folder for its layout.
func (o BuildOptions) configure(r repo.Repo, s *Recipe) (b buildkit.Builder, dir string, err error) {
	if b, err = o.Builder(r); err != nil {
		return b, "", err
	}
	dir, b.Exports, err = o.outputs(r, s.Image)
	if err != nil {
		return b, dir, err
	}
	if b.Attest, err = attestations(o.Attest); err != nil {
		return b, dir, err
	}
	b.CacheTo, b.Compression = withCacheService(o.CacheTo), o.Compression
	b.Packages = len(o.Push) > 0 || o.Refresh || o.IfChanged != ""
	s.Spec.Platforms = s.Platforms
	if len(o.Platform) > 0 {
		s.Spec.Platforms = o.Platform
	}
	if o.Refresh {
		s.Spec.RerunLines = s.packageLines()
	}
	return b, dir, nil
}

// outputs returns where the layout goes, and the further outputs.
func (o BuildOptions) outputs(r repo.Repo, k gen.Image) (dir string, more []buildkit.Export, err error) {
	for _, text := range o.Output {
		if !strings.HasPrefix(text, "type=") {
			dir = text
			continue
		}
		e, err := parseOutput(text)
		if err != nil {
			return dir, more, err
		}
		more = append(more, e)
	}
	dir, err = r.Follow(cmp.Or(dir, outputFolder(r, k)))
	for i := range more {
		var errLink error
		more[i].Dest, errLink = r.Follow(more[i].Dest)
		err = errors.Join(err, errLink)
	}
	return dir, more, err
}

// outputFolder returns the default folder of an image.
func outputFolder(r repo.Repo, k gen.Image) string { return r.Path(Folder + "/" + string(k)) }

// parseOutput parses type=TYPE,dest=DEST[,name=NAME].
func parseOutput(text string) (buildkit.Export, error) {
	fields, err := parseFields("--output", text, "type", "dest", "name")
	e := buildkit.Export{Type: fields["type"], Dest: fields["dest"], Name: fields["name"]}
	if err == nil && (e.Dest == "" || !slices.Contains([]string{"oci", "docker", "local"}, e.Type)) {
		err = hint.Add(fmt.Errorf("--output %q: not of the form type=TYPE,dest=DEST", text), "the types are oci and docker, for archives, and local, for a folder with the files of the image")
	}
	return e, err
}

// parseFields parses KEY=VALUE,KEY=VALUE. Other keys are errors.
func parseFields(flag, text string, keys ...string) (map[string]string, error) {
	fields := map[string]string{}
	for field := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(field, "=")
		if !ok || !slices.Contains(keys, key) {
			return nil, hint.Add(fmt.Errorf("%s %q: %q is not one of its fields", flag, text, field), "the fields are %s", strings.Join(keys, "=…, ")+"=…")
		}
		fields[key] = value
	}
	return fields, nil
}

// attestations parses type=TYPE[,PARAMETERS], and returns the parameters by type.
func attestations(texts []string) (map[string]string, error) {
	all := map[string]string{}
	for _, text := range texts {
		kind, rest, _ := strings.Cut(strings.TrimPrefix(text, "type="), ",")
		if !slices.Contains([]string{"provenance", "sbom"}, kind) {
			return nil, fmt.Errorf("--attest %q: the types are provenance and sbom", text)
		}
		all[kind] = rest
	}
	return all, nil
}

// push pushes l if the options say so and the layout still has it. With Refresh it
// does so only if the registry's image has other packages or other inputs.
func (o BuildOptions) push(ctx context.Context, log Log, l ocilayout.Image) (references []string, err error) {
	if len(o.Push) == 0 {
		return nil, nil
	}
	l, release, err := hold(ctx, log, l.Dir, l.Digest.String())
	if err != nil {
		return nil, err
	}
	defer release()
	if o.Refresh {
		if same, err := SamePackages(ctx, log, l, o.Push[0]); err != nil || same {
			return nil, err
		}
	}
	return Push(ctx, log, l, o.Push)
}
