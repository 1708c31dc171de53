package main

import (
	"context"
	"encoding/json"
	"fmt"

	"bkt/gen"
	"bkt/internal/pipeline"
	"bkt/internal/repo"
	"bkt/internal/ui"
)

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

// engineFlags say which engine is used, and how it shows its progress.
type engineFlags struct {
	Engine   []string `sep:"none" placeholder:"[OS/ARCH=]ADDRESS" help:"Use this BuildKit: own, docker, an address such as unix:///run/buildkit/buildkitd.sock, or auto, which is the first that can be used ($BUILDKIT_HOST, or auto). With OS/ARCH=, for that platform."`
	TLSDir   string   `name:"tlsdir" type:"existingdir" placeholder:"DIR" help:"Directory with TLS certificates (ca.pem, cert.pem, key.pem) for a tcp:// engine."`
	Progress string   `enum:"auto,tty,plain,rawjson,quiet" default:"auto" placeholder:"HOW" help:"Show progress: auto, tty, plain, rawjson or quiet (auto)."`
}

func (f engineFlags) options(a *app) pipeline.EngineOptions {
	o := pipeline.EngineOptions{Engines: f.Engine, TLSDir: f.TLSDir, Progress: f.Progress, Verbose: a.Verbose, ProgressTo: a.Err}
	switch {
	case f.Progress != "auto":
	case a.Quiet:
		o.Progress = "quiet"
	case !ui.Interactive():
		o.Progress = "plain"
	}
	return o
}

// sourceFlags say what an image is built from, and with which engine.
type sourceFlags struct {
	engineFlags  `embed:""`
	BuildContext []string `sep:"none" placeholder:"NAME=VALUE" help:"Read the image or context NAME from oci-layout://DIR[@DIGEST] or from a folder."`
	BuildArg     []string `sep:"none" placeholder:"NAME[=VALUE]" help:"Give an ARG its value; without VALUE that of the environment."`
	Secret       []string `sep:"none" placeholder:"id=ID,src=FILE" help:"Let RUN --mount=type=secret,id=ID read FILE."`
	SSH          []string `name:"ssh" sep:"none" placeholder:"ID[=PATH]" help:"Let RUN --mount=type=ssh,id=ID use the SSH agent, or the socket or key at PATH."`
	CacheFrom    []string `sep:"none" placeholder:"CACHE" help:"Read a cache outside the engine, as in type=registry,ref=quay.io/someone/cache; also type=local,src=DIR and type=gha."`
	NoCache      bool     `help:"Run every step again."`
	Pull         bool     `help:"Ask registries for images again, even for those that are there."`
}

func (f sourceFlags) options(a *app) pipeline.Options {
	return pipeline.Options{
		EngineOptions: f.engineFlags.options(a),
		BuildContext:  f.BuildContext,
		BuildArg:      f.BuildArg,
		Secret:        f.Secret,
		SSH:           f.SSH,
		CacheFrom:     f.CacheFrom,
		NoCache:       f.NoCache,
		Pull:          f.Pull,
	}
}

// Run builds the images one after the other and prints their digests.
func (c *buildCmd) Run(ctx context.Context, a *app) error {
	r, err := repo.Find(".")
	if err != nil {
		return err
	}
	images, o := pipeline.Images(r, c.Images), c.options(a)
	if err := o.Check(ctx, a, images); err != nil {
		return err
	}
	recipes, err := o.Recipes(a, r, images)
	if err != nil {
		return err
	}
	var built []builtJSON
	for _, s := range recipes {
		b, err := o.Build(ctx, a, r, s)
		if err != nil {
			return s.Blame(err)
		}
		built = append(built, builtJSON{Built: b})
	}
	return a.printBuilt(built...)
}

func (c *buildCmd) options(a *app) pipeline.BuildOptions {
	return pipeline.BuildOptions{
		Options:     c.sourceFlags.options(a),
		Platform:    c.Platform,
		Output:      c.Output,
		Load:        c.Load,
		Push:        c.Push,
		CacheTo:     c.CacheTo,
		Compression: c.Compression,
		Attest:      c.Attest,
		IfChanged:   c.IfChanged,
		Refresh:     c.Refresh,
	}
}

// builtJSON is one image in the output of build --json and push --json.
type builtJSON struct {
	pipeline.Built
	Outdated bool // its inputs have changed since
}

// MarshalJSON implements [json.Marshaler].
func (b builtJSON) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Image      gen.Image `json:"image"`
		Digest     string    `json:"digest"`
		Layout     string    `json:"layout,omitempty"`
		Unchanged  bool      `json:"unchanged,omitempty"`
		Pushed     bool      `json:"pushed,omitempty"`
		References []string  `json:"references,omitempty"`
		Outdated   bool      `json:"outdated,omitempty"`
	}{b.Image, b.Digest, b.Layout, b.Unchanged, b.Pushed, b.References, b.Outdated})
}

// printBuilt prints the digest of the image, or a line for each of several.
func (a *app) printBuilt(built ...builtJSON) error {
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
