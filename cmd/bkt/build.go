package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/internal/buildkit"
	"bkt/internal/hint"
	"bkt/internal/image"
	"bkt/internal/repo"
)

// outputs is the folder in a repository for the images that are built.
const outputs = "build"

type buildCmd struct {
	Images []string `arg:"" optional:"" name:"image" enum:"system,toolbox" help:"Which to build: system or toolbox (default: those that the repository has)."`

	Engine       []string `sep:"none" placeholder:"[OS/ARCH=]ADDRESS" help:"Use this BuildKit: own, docker, an address such as unix:///run/buildkit/buildkitd.sock, or auto, which is the first that can be used ($BUILDKIT_HOST, or auto). With OS/ARCH=, for that platform."`
	Output       string   `short:"o" placeholder:"DIR" help:"Write the image to DIR, as an OCI layout (build/IMAGE)."`
	Push         string   `placeholder:"NAME" help:"Push the image to a registry, as in quay.io/someone/workstation:latest."`
	Platform     []string `placeholder:"OS/ARCH" help:"Build for these platforms, as in linux/arm64 (the engine's)."`
	BuildContext []string `sep:"none" placeholder:"NAME=VALUE" help:"Read the image or context NAME from oci-layout://DIR[@DIGEST] or from a folder."`
	BuildArg     []string `sep:"none" placeholder:"NAME[=VALUE]" help:"Give an ARG its value; without VALUE that of the environment."`
	Secret       []string `sep:"none" placeholder:"id=ID,src=FILE" help:"Let RUN --mount=type=secret,id=ID read FILE."`
	CacheFrom    []string `sep:"none" placeholder:"CACHE" help:"Read a cache outside the engine, as in type=registry,ref=quay.io/someone/cache."`
	CacheTo      []string `sep:"none" placeholder:"CACHE" help:"Write such a cache."`
	NoCache      bool     `help:"Run every step again."`
	Pull         bool     `help:"Ask registries for images again, even for those that are there."`
	Progress     string   `enum:"auto,tty,plain,rawjson,quiet" default:"auto" placeholder:"HOW" help:"Show progress: auto, tty, plain, rawjson or quiet (auto)."`
}

// Run builds the images one after the other and prints their digests.
func (c *buildCmd) Run(ctx context.Context, a *app) error {
	r, err := repo.Find(".")
	if err != nil {
		return err
	}
	kinds, err := c.kinds(r)
	if err != nil {
		return err
	}
	builder, err := c.builder(ctx, a, r)
	if err != nil {
		return err
	}
	specs, err := c.specs(a, r, kinds)
	if err != nil {
		return err
	}
	var built []builtJSON
	for i, k := range kinds {
		l, err := c.build(ctx, a, builder, specs[i], c.output(r, k))
		if err != nil {
			return err
		}
		built = append(built, builtJSON{k, l.Digest.String(), l.Dir})
	}
	return a.printBuilt(built)
}

// kinds returns which images to build.
func (c *buildCmd) kinds(r repo.Repo) ([]gen.Kind, error) {
	var kinds []gen.Kind
	for _, k := range gen.Kinds() {
		if c.wanted(r, k) {
			kinds = append(kinds, k)
		}
	}
	if len(kinds) > 1 && (c.Output != "" || c.Push != "") {
		return nil, hint.Add(errors.New("--output and --push are for one image, and there are two to build"),
			"name the image: \"bkt build system …\" or \"bkt build toolbox …\"")
	}
	return kinds, nil
}

func (c *buildCmd) wanted(r repo.Repo, k gen.Kind) bool {
	if len(c.Images) == 0 {
		return r.Has(gen.Containerfile(k))
	}
	return slices.Contains(c.Images, string(k))
}

// build builds one image into dir and, if that is wanted, pushes it.
func (c *buildCmd) build(ctx context.Context, a *app, b buildkit.Builder, s image.Spec, dir string) (image.Layout, error) {
	l, err := b.Build(ctx, s, dir, a.err)
	if err != nil || c.Push == "" {
		return l, err
	}
	return l, a.engine(ctx, "push", c.Push, l.Dir)
}

// specs returns what to build the images from, once all is known to be right
// that can be told without an engine.
func (c *buildCmd) specs(a *app, r repo.Repo, kinds []gen.Kind) ([]image.Spec, error) {
	var specs []image.Spec
	for _, k := range kinds {
		if err := a.warnIfStale(r, k); err != nil {
			return nil, err
		}
		s, err := c.spec(r, k)
		if err != nil {
			return nil, err
		}
		specs = append(specs, s)
	}
	return specs, checkRead(specs)
}

// checkRead returns an error for each name of --build-context that none of the
// Containerfiles reads: it is mistyped, and a registry would be asked instead.
func checkRead(specs []image.Spec) error {
	unread := map[string]int{}
	var reads []string
	for _, s := range specs {
		names, read, err := buildkit.Unread(s)
		if err != nil {
			return err
		}
		for _, name := range names {
			unread[name]++
		}
		reads = append(reads, read...)
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(unread)) {
		if unread[name] == len(specs) {
			err := fmt.Errorf("--build-context %s: nothing in the Containerfile reads it", name)
			errs = append(errs, hint.Add(err, "what it reads: %s", strings.Join(reads, ", ")))
		}
	}
	return errors.Join(errs...)
}

// warnIfStale says so if the image will not be what the manifests say. What is
// wrong with a manifest or a marker is an error, before an engine is started.
func (a *app) warnIfStale(r repo.Repo, k gen.Kind) error {
	name := gen.Containerfile(k)
	old, err := fs.ReadFile(r.FS(), name)
	if err != nil {
		return plainPathError(err)
	}
	res, err := gen.Render(name, old, r.FS())
	if err != nil || bytes.Equal(old, res.Text) {
		return err
	}
	stale := fmt.Errorf("%s is not what the manifests say", name)
	a.warn([]error{hint.Add(stale, "run \"bkt containerfile sync\" first")})
	return nil
}

func (c *buildCmd) output(r repo.Repo, k gen.Kind) string {
	if c.Output != "" {
		return c.Output
	}
	return r.Path(outputs + "/" + string(k))
}

// spec returns what to build the image k from.
func (c *buildCmd) spec(r repo.Repo, k gen.Kind) (image.Spec, error) {
	s := image.Spec{
		Containerfile: gen.Containerfile(k),
		Context:       r.Root,
		Platforms:     c.Platform,
		Images:        map[string]image.Layout{},
		Folders:       map[string]string{},
		NoCache:       c.NoCache,
	}
	var err error
	if s.Args, err = buildArgs(c.BuildArg); err != nil {
		return s, err
	}
	for _, text := range c.BuildContext {
		if err := addContext(&s, text); err != nil {
			return s, err
		}
	}
	return s, nil
}

// buildArgs parses NAME=VALUE and NAME, which takes the value of the
// environment if it has one.
func buildArgs(texts []string) (map[string]string, error) {
	args := map[string]string{}
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		if name == "" {
			return nil, fmt.Errorf("--build-arg %q: not of the form NAME=VALUE", text)
		}
		if !ok {
			if value, ok = os.LookupEnv(name); !ok {
				continue
			}
		}
		args[name] = value
	}
	return args, nil
}

const layoutScheme = "oci-layout://"

// addContext adds what stands in for an image or a named context.
func addContext(s *image.Spec, text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" || value == "" {
		return hint.Add(fmt.Errorf("--build-context %q: not of the form NAME=VALUE", text),
			"as in \"quay.io/fedora/fedora-bootc:43=oci-layout://DIR\" or \"extra=DIR\"")
	}
	dir, isLayout := strings.CutPrefix(value, layoutScheme)
	if !isLayout {
		if scheme, _, ok := strings.Cut(value, "://"); ok {
			return hint.Add(fmt.Errorf("--build-context %s: cannot read from %s://", name, scheme), "a VALUE is oci-layout://DIR[@DIGEST] or a folder")
		}
		s.Folders[name] = value
		return checkFolder("--build-context "+name, value)
	}
	folder, digest, ok := cutLast(dir, "@")
	if !ok || strings.Contains(digest, "/") { // the @ is part of the folder's name
		folder, digest = dir, ""
	}
	l, err := buildkit.ReadLayout(folder, digest)
	if err != nil {
		return fmt.Errorf("--build-context %s: %w", name, err)
	}
	s.Images[name] = l
	return nil
}

// checkFolder returns an error if dir is not one.
func checkFolder(what, dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("%s: %w", what, plainPathError(err))
	}
	if !info.IsDir() {
		return fmt.Errorf("%s: %s is not a folder", what, dir)
	}
	return nil
}

// cutLast cuts s at the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// builder returns what builds the images, once all that can be wrong with the
// flags is known not to be.
func (c *buildCmd) builder(ctx context.Context, a *app, r repo.Repo) (buildkit.Builder, error) {
	b := buildkit.Builder{
		Progress:  c.Progress,
		Exclude:   []string{r.Path(outputs)},
		Pull:      c.Pull,
		CacheFrom: c.CacheFrom,
		CacheTo:   c.CacheTo,
	}
	switch {
	case c.Progress != "auto":
	case a.quiet:
		b.Progress = "quiet"
	case !interactive():
		b.Progress = "plain"
	}
	if c.Push != "" {
		if err := a.engine(ctx, "push", "--dry-run", c.Push); err != nil {
			return b, err
		}
	}
	var err error
	if b.Secrets, err = secrets(c.Secret); err != nil {
		return b, err
	}
	b.Config, b.Engines, err = engines(c.Engine)
	b.Verbose = a.verbose
	b.Credentials = credentials(b.Config.Program)
	return b, err
}

// secrets parses fields such as id=ID,src=FILE.
func secrets(texts []string) (map[string]string, error) {
	files := map[string]string{}
	for _, text := range texts {
		fields := map[string]string{}
		for field := range strings.SplitSeq(text, ",") {
			key, value, _ := strings.Cut(field, "=")
			fields[key] = value
		}
		if len(fields) != 2 || fields["id"] == "" || fields["src"] == "" {
			return nil, fmt.Errorf("--secret %q: not of the form id=ID,src=FILE", text)
		}
		files[fields["id"]] = fields["src"]
	}
	return files, nil
}

// builtJSON is one image in the output of build --json.
type builtJSON struct {
	Image  gen.Kind `json:"image"`
	Digest string   `json:"digest"`
	Layout string   `json:"layout"` // the folder that it lies in
}

// printBuilt prints the digest of the image, or a line for each of several.
func (a *app) printBuilt(built []builtJSON) error {
	if a.json {
		return a.printJSON(struct {
			Version int         `json:"version"`
			Images  []builtJSON `json:"images"`
		}{1, built})
	}
	for _, b := range built {
		name := ""
		if len(built) > 1 {
			name = string(b.Image) + " "
		}
		if _, err := fmt.Fprintln(a.out, name+b.Digest); err != nil {
			return err
		}
	}
	return nil
}
