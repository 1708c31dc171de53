package main

import (
	"context"
	"strings"

	"bkt/gen"
	"bkt/internal/pipeline"
)

type pushCmd struct {
	Image      string   `arg:"" enum:"system,toolbox" help:"Image to push, from build/IMAGE: system or toolbox."`
	Names      []string `arg:"" optional:"" name:"name" help:"Names in registries, e.g. quay.io/someone/workstation:latest (default: the name in manifests/image.json). Can be several, with spaces or commas between them."`
	UnlessSame bool     `help:"Skip the push if the first NAME already has the same packages and inputs."`
}

// Run pushes an image that was built before.
func (c *pushCmd) Run(ctx context.Context, a *app) error {
	r, err := a.images()
	if err != nil {
		return err
	}
	a.noteRepo(r, !a.Verbose)
	names := strings.Split(strings.Join(c.Names, ","), ",") // as --push takes them
	if len(c.Names) == 0 {
		if names, err = pipeline.DeclaredName(r, gen.Image(c.Image)); err != nil {
			return err
		}
	}
	if err := pipeline.CheckPush(ctx, a, names); err != nil {
		return err
	}
	l, release, err := pipeline.BuiltImage(ctx, a, r, gen.Image(c.Image))
	if err != nil {
		return err
	}
	defer release()
	result := builtJSON{Image: gen.Image(c.Image), Digest: l.Digest.String(), Layout: l.Dir}
	result.Outdated = pipeline.IsOutdated(ctx, a, r, result.Image, l)
	same := false
	if c.UnlessSame {
		if same, err = pipeline.SamePackages(ctx, a, l, names[0]); err != nil {
			return err
		}
	}
	if !same {
		if result.References, err = pipeline.Push(ctx, a, l, names); err != nil {
			return err
		}
		result.Pushed = true
	}
	return a.printBuilt(result)
}
