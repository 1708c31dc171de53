package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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

	sourceFlags `embed:""`
	Platform    []string `placeholder:"OS/ARCH" help:"Build for these platforms, as in linux/arm64 (those of image.json, or the engine's)."`
	Output      []string `short:"o" sep:"none" placeholder:"DEST" help:"Write the image to the folder DEST, as an OCI layout (build/IMAGE); or to type=oci|docker|local,dest=DEST, an archive or a folder with its files."`
	Load        string   `placeholder:"NAME" help:"Load the image into podman, or else docker, as in localhost/bootc-dev:latest."`
	Push        []string `placeholder:"NAME" help:"Push the image to a registry, as in quay.io/someone/workstation:latest. May be given several times."`
	CacheTo     []string `sep:"none" placeholder:"CACHE" help:"Write a cache outside the engine, as in type=registry,ref=quay.io/someone/cache; also type=local,dest=DIR, type=gha and type=inline."`
	Compression string   `enum:"zstd,gzip" default:"zstd" placeholder:"HOW" help:"Compress new layers with zstd or gzip (zstd)."`
	Attest      []string `sep:"none" placeholder:"type=TYPE" help:"Add an attestation: type=provenance[,mode=max] or type=sbom[,generator=IMAGE]."`
	IfChanged   string   `placeholder:"NAME" help:"Build only if the image NAME in a registry was built from something else."`
	Refresh     bool     `help:"Install the packages again, as their repositories have them now, and push only if that gives others than the first NAME has."`
}

// Run builds the images one after the other and prints their digests.
func (c *buildCmd) Run(ctx context.Context, a *app) error {
	r, err := repo.Find(".")
	if err != nil {
		return err
	}
	kinds := wanted(r, c.Images)
	if err := c.check(ctx, a, kinds); err != nil {
		return err
	}
	recipes, err := c.recipes(a, r, kinds)
	if err != nil {
		return err
	}
	var built []builtJSON
	for _, s := range recipes {
		b, err := c.image(ctx, a, r, s)
		if err != nil {
			return s.blame(err)
		}
		built = append(built, b)
	}
	return a.printBuilt(built)
}

// wanted returns the images that are named, or else those that r has.
func wanted(r repo.Repo, names []string) []gen.Kind {
	var kinds []gen.Kind
	for _, k := range gen.Kinds() {
		if slices.Contains(names, string(k)) || len(names) == 0 && r.Has(gen.Containerfile(k)) {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// check returns an error for flags that cannot be meant.
func (c *buildCmd) check(ctx context.Context, a *app, kinds []gen.Kind) error {
	if len(kinds) > 1 && (len(c.Output) > 0 || len(c.Push) > 0 || c.Load != "" || c.IfChanged != "") {
		return hint.Add(errors.New("--output, --load, --push and --if-changed are for one image, and there are two to build"),
			"name the image: \"bkt build system …\" or \"bkt build toolbox …\"")
	}
	if c.Load != "" {
		if _, err := loadInto(c.Load); err != nil {
			return err
		}
	}
	if len(c.Push) == 0 {
		return nil
	}
	return a.canPush(ctx, c.Push)
}

// image builds the image of s, unless it is there, and hands it on.
func (c *buildCmd) image(ctx context.Context, a *app, r repo.Repo, s recipe) (result builtJSON, err error) {
	b, dir, err := c.configure(a, r, &s)
	if err != nil {
		return result, err
	}
	result.Image = s.kind
	if c.IfChanged != "" {
		there, same, err := a.published(ctx, b, s.spec, c.IfChanged)
		if err != nil || same {
			result.Digest, result.Unchanged = there.Digest, same
			return result, err
		}
	}
	l, err := a.build(ctx, b, s.spec, dir, &result)
	if err != nil {
		return result, err
	}
	result.Digest, result.Layout = l.Digest.String(), l.Dir
	if c.Load != "" {
		if err := a.load(ctx, l, c.Load); err != nil {
			return result, err
		}
	}
	result.References, err = c.push(ctx, a, l)
	result.Pushed = len(result.References) > 0
	return result, err
}

// build builds an image, unless it is there already.
func (a *app) build(ctx context.Context, b buildkit.Builder, s image.Spec, dir string, result *builtJSON) (image.Layout, error) {
	l, same := b.Unchanged(ctx, s, dir)
	if same {
		result.Unchanged = true
		a.Note("%s is up to date", dir)
		return l, nil
	}
	s, err := verify(ctx, s)
	if err != nil {
		return l, err
	}
	return b.Build(ctx, s, dir, a.Err)
}

// configure returns what builds the image of s, and the folder for its layout.
func (c *buildCmd) configure(a *app, r repo.Repo, s *recipe) (b buildkit.Builder, dir string, err error) {
	if b, err = c.builder(a, r); err != nil {
		return b, "", err
	}
	dir, b.Exports, err = c.outputs(r, s.kind)
	if err != nil {
		return b, dir, err
	}
	if b.Attest, err = attestations(c.Attest); err != nil {
		return b, dir, err
	}
	b.CacheTo, b.Compression = withCacheService(c.CacheTo), c.Compression
	b.Packages = len(c.Push) > 0 || c.Refresh || c.IfChanged != ""
	s.spec.Platforms = s.platforms
	if len(c.Platform) > 0 {
		s.spec.Platforms = c.Platform
	}
	if c.Refresh {
		s.spec.Anew = s.packageLines()
	}
	return b, dir, nil
}

// outputs returns where the layout goes, and the further outputs.
func (c *buildCmd) outputs(r repo.Repo, k gen.Kind) (dir string, more []buildkit.Export, err error) {
	for _, text := range c.Output {
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
	return cmp.Or(dir, outputFolder(r, k)), more, nil
}

// outputFolder returns where an image goes if nobody says where.
func outputFolder(r repo.Repo, k gen.Kind) string { return r.Path(outputs + "/" + string(k)) }

// parseOutput parses type=TYPE,dest=DEST[,name=NAME].
func parseOutput(text string) (buildkit.Export, error) {
	fields, err := parseFields("--output", text, "type", "dest", "name")
	e := buildkit.Export{Type: fields["type"], Dest: fields["dest"], Name: fields["name"]}
	if err == nil && (e.Dest == "" || !slices.Contains([]string{"oci", "docker", "local"}, e.Type)) {
		err = hint.Add(fmt.Errorf("--output %q: not of the form type=TYPE,dest=DEST", text), "the types are oci and docker, for archives, and local, for a folder with the files of the image")
	}
	return e, err
}

// parseFields parses KEY=VALUE,KEY=VALUE with such keys.
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

// attestations parses type=TYPE and what follows.
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

// builtJSON is one image in the output of build --json.
type builtJSON struct {
	Image  gen.Kind `json:"image"`
	Digest string   `json:"digest"`
	Layout string   `json:"layout,omitempty"` // the folder that it lies in

	Unchanged  bool     `json:"unchanged,omitempty"` // it was there already
	Pushed     bool     `json:"pushed,omitempty"`
	References []string `json:"references,omitempty"` // what it was pushed as, each with its digest
	Outdated   bool     `json:"outdated,omitempty"`   // what it was built from has changed since
}

// printBuilt prints the digest of the image, or a line for each of several.
func (a *app) printBuilt(built []builtJSON) error {
	if a.JSON {
		return a.PrintJSON(struct {
			Version int         `json:"version"`
			Images  []builtJSON `json:"images"`
		}{1, built})
	}
	for _, b := range built {
		name := ""
		if len(built) > 1 {
			name = string(b.Image) + " "
		}
		if _, err := fmt.Fprintln(a.Out, name+b.Digest); err != nil {
			return err
		}
	}
	return nil
}
