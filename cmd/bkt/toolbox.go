package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"bkt/gen"
	"bkt/internal/distrobox"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/manifest"
	"bkt/internal/plan"
)

type toolboxCaptureCmd struct{ mode }

// Run adds the packages that were installed by hand in the box of the toolbox
// image to the manifest of that image.
func (c *toolboxCaptureCmd) Run(ctx context.Context, a *app) error {
	s, err := thisDesktop()
	if err != nil {
		return err
	}
	box, err := toolboxOf(s.repo.FS())
	if err != nil {
		return err
	}
	added, err := s.folders.distrobox().Added(ctx, host.Query{}, box.Name)
	if err != nil {
		return hint.Add(err, "what was installed is asked of the box while it runs: \"distrobox enter %s\" starts it", box.Name)
	}
	added, refused := withoutSecrets(added)
	p, unlock, err := a.planPackages(ctx, c.mode, func(p *manifest.Packages) {
		for _, name := range added {
			if !slices.Contains(p.Packages, name) && !slices.Contains(box.Packages, name) {
				p.Packages = append(p.Packages, name)
			}
		}
	})
	if err != nil {
		return err
	}
	defer unlock()
	return errors.Join(a.preview(p, c.mode), a.finish(ctx, p, c.mode), refused)
}

// preview prints what will differ in files, unless finish does.
func (a *app) preview(p plan.Plan, m mode) error {
	if a.json || a.quiet || a.verbose || m.DryRun || m.Check {
		return nil
	}
	return a.printDiffs(p)
}

var errNoToolbox = errors.New("does not say which box is that of the toolbox image")

// toolboxOf returns the box that the toolbox image is for. That there is none is
// errNoToolbox.
func toolboxOf(files fs.FS) (distrobox.Box, error) {
	boxes, err := distrobox.Store{InImage: toolboxInImage}.Load(files)
	if err != nil {
		return distrobox.Box{}, err
	}
	containers := map[string]manifest.Box{}
	for _, b := range boxes {
		containers[b.Name] = b.Box
	}
	name, ok := gen.ToolboxOf(manifest.Boxes{Containers: containers})
	if !ok {
		return distrobox.Box{}, hint.Add(fmt.Errorf("%s %w", boxesManifest, errNoToolbox), `it is the one called "bootc-dev", or the only one`)
	}
	i := slices.IndexFunc(boxes, func(b distrobox.Box) bool { return b.Name == name })
	return boxes[i], nil
}
