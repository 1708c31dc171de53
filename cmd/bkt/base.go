package main

import (
	"context"

	"bkt/gen"
	"bkt/internal/containerfile"
	"bkt/internal/manifest"
	"bkt/internal/pipeline"
	"bkt/internal/plan"
	"bkt/internal/ui"
)

type baseCmd struct {
	Update baseUpdateCmd `cmd:"" help:"Pin base images to the current digest of their tags, and render the Containerfiles."`
}

type baseUpdateCmd struct {
	ui.Mode
	Images []string `arg:"" optional:"" name:"image" enum:"system,toolbox" help:"Images whose base image to pin: system or toolbox (default: all that have one)."`
}

// Run pins the base images: all of them, or none if one fails.
func (c *baseUpdateCmd) Run(ctx context.Context, a *app) error {
	r, err := a.images()
	if err != nil {
		return err
	}
	var files []string
	for _, k := range gen.Images() {
		if pipeline.Wants(c.Images, k) {
			files = append(files, containerfile.OfImage(r, k)...)
		}
	}
	o := syncOptions(c.Mode)
	o.NewDigests = true // from the registry
	return a.change(ctx, r, c.Mode, func() (plan.Plan, error) {
		return containerfile.Edit(ctx, a, r, o, manifest.ImagePath, files, func(i *manifest.Images, s *manifest.Source) error {
			return pipeline.PinBases(ctx, a, c.Images, i, s)
		})
	})
}
