package main

import (
	"context"

	"bkt/gen"
	"bkt/internal/pipeline"
	"bkt/internal/ui"
)

type buildCmd struct {
	Images []string `arg:"" optional:"" name:"image" enum:"system,toolbox" help:"Images to build: system or toolbox (default: those that the repository has)."`

	sourceFlags `embed:""`
	Platform    []string `placeholder:"OS/ARCH" help:"Build for these platforms, e.g. linux/arm64 (default: those in image.json, or the engine's)."`
	Output      []string `short:"o" sep:"none" placeholder:"DEST" help:"Write the image as an OCI layout to the folder DEST (default: build/IMAGE). With type=oci|docker|local,dest=DEST, write an archive, or a folder with the image's files."`
	Load        string   `placeholder:"NAME" help:"Load the image into podman, or into docker if podman is not installed, e.g. as localhost/bootc-dev:latest."`
	Push        []string `placeholder:"NAME" help:"Push the image to a registry, e.g. as quay.io/someone/workstation:latest. Can be repeated."`
	CacheTo     []string `sep:"none" placeholder:"CACHE" help:"Export the build cache: type=registry,ref=NAME, type=local,dest=DIR, type=gha or type=inline."`
	Compression string   `enum:"zstd,gzip" default:"zstd" placeholder:"HOW" help:"Compression of new layers: zstd or gzip (default: zstd)."`
	Attest      []string `sep:"none" placeholder:"type=TYPE" help:"Add an attestation: type=provenance[,mode=max] or type=sbom[,generator=IMAGE]."`
	IfChanged   string   `placeholder:"NAME" help:"Build only if the inputs differ from those of NAME in the registry."`
	Refresh     bool     `help:"Install the packages again, in their current versions. Push only if they differ from those of the first NAME."`
}

// engineFlags choose the engine, the network of its steps, and its progress output.
type engineFlags struct {
	Engine       []string `sep:"none" placeholder:"[OS/ARCH=]ADDRESS" help:"BuildKit engine: own, docker, an address such as unix:///run/buildkit/buildkitd.sock, or auto for the first that works (default: $BUILDKIT_HOST, or auto). With OS/ARCH=, the engine for that platform."`
	TLSDir       string   `name:"tlsdir" type:"existingdir" placeholder:"DIR" help:"Directory with TLS certificates (ca.pem, cert.pem, key.pem) for a tcp:// engine."`
	networkFlags `embed:""`
	Progress     string `enum:"auto,tty,plain,rawjson,quiet" default:"auto" placeholder:"HOW" help:"Progress output: auto, tty, plain, rawjson or quiet (default: auto)."`
}

func (f engineFlags) options(a *app) pipeline.EngineOptions {
	o := pipeline.EngineOptions{Engines: f.Engine, TLSDir: f.TLSDir, Progress: f.Progress, Verbose: a.Verbose, ProgressTo: a.Display()}
	o = f.networkFlags.options(a, o)
	switch {
	case f.Progress != "auto":
	case a.Quiet:
		o.Progress = "quiet"
	case !ui.Interactive():
		o.Progress = "plain"
	}
	return o
}

// sourceFlags are the inputs of a build and its engine.
type sourceFlags struct {
	engineFlags  `embed:""`
	BuildContext []string `sep:"none" placeholder:"NAME=VALUE" help:"Use oci-layout://DIR[@DIGEST] or a folder as the image or context NAME."`
	BuildArg     []string `sep:"none" placeholder:"NAME[=VALUE]" help:"Set a build argument (default VALUE: from the environment)."`
	Target       string   `placeholder:"STAGE" help:"Build this stage of the Containerfile (default: that in image.json, or the last)."`
	Secret       []string `sep:"none" placeholder:"id=ID,src=FILE" help:"Make FILE available to RUN --mount=type=secret,id=ID."`
	SSH          []string `name:"ssh" sep:"none" placeholder:"ID[=PATH]" help:"Make the SSH agent, or the socket or key at PATH, available to RUN --mount=type=ssh,id=ID."`
	CacheFrom    []string `sep:"none" placeholder:"CACHE" help:"Import a build cache: type=registry,ref=NAME, type=local,src=DIR or type=gha."`
	NoCache      bool     `help:"Do not use the build cache."`
	Pull         bool     `help:"Check registries for newer images, even if they exist locally."`
}

func (f sourceFlags) options(a *app) pipeline.Options {
	return pipeline.Options{
		EngineOptions: f.engineFlags.options(a),
		BuildContext:  f.BuildContext,
		BuildArg:      f.BuildArg,
		Target:        f.Target,
		Secret:        f.Secret,
		SSH:           f.SSH,
		CacheFrom:     f.CacheFrom,
		NoCache:       f.NoCache,
		Pull:          f.Pull,
	}
}

// Run builds the images one after the other and prints their digests.
func (c *buildCmd) Run(ctx context.Context, a *app) error {
	r, err := a.images()
	if err != nil {
		return err
	}
	a.noteRepo(r, !a.Verbose)
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
		built = append(built, asBuiltJSON(b))
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

// buildsJSON is the output of build --json and push --json.
type buildsJSON struct {
	Version  int           `json:"version"`
	Images   []builtJSON   `json:"images"`
	Warnings []warningJSON `json:"warnings,omitempty"`
}

// builtJSON is one image in it.
type builtJSON struct {
	Image      gen.Image `json:"image"`
	Digest     string    `json:"digest"`
	Layout     string    `json:"layout,omitempty"`     // the folder that has the image
	Unchanged  bool      `json:"unchanged,omitempty"`  // it was up to date
	Pushed     bool      `json:"pushed,omitempty"`     //
	References []string  `json:"references,omitempty"` // the pushed names, each with its digest
	Outdated   bool      `json:"outdated,omitempty"`   // its inputs have changed since
}

func asBuiltJSON(b pipeline.Built) builtJSON {
	return builtJSON{Image: b.Image, Digest: b.Digest, Layout: b.Layout, Unchanged: b.Unchanged, Pushed: b.Pushed, References: b.References}
}

// printBuilt prints the digest of the image, or a line for each of several.
func (a *app) printBuilt(built ...builtJSON) error {
	digests := make([]string, len(built))
	for n, b := range built {
		digests[n] = b.Digest
		if len(built) > 1 {
			digests[n] = string(b.Image) + " " + b.Digest
		}
	}
	return a.PrintResult(buildsJSON{1, append([]builtJSON{}, built...), a.warnings}, textOf(digests))
}
