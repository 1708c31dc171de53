package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"bkt/gen"
	"bkt/internal/containerfile"
	"bkt/internal/distrobox"
	"bkt/internal/domains"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/ui"
)

type toolboxCaptureCmd struct{ ui.Mode }

// Run adds the packages that were installed by hand in the box of the toolbox
// image to the manifest of that image.
func (c *toolboxCaptureCmd) Run(ctx context.Context, a *app) error {
	s, err := thisDesktop()
	if err != nil {
		return err
	}
	box, err := toolboxOf(s.Repo.FS())
	if err != nil {
		return err
	}
	added, err := domains.Distrobox(s.Folders, s.cache).Added(ctx, host.Query{}, box.Name)
	if err != nil {
		return hint.Add(err, "what was installed is asked of the box while it runs: \"distrobox enter %s\" starts it", box.Name)
	}
	added, refused := withoutSecrets(added)
	p, unlock, err := planManifest(ctx, a, s.Repo, c.Mode, gen.PackagesManifest(a.image), containerfile.OfImage(s.Repo, a.image), func(p *manifest.Packages, _ *manifest.Source) error {
		for _, name := range added {
			if !slices.Contains(p.Packages, name) && !slices.Contains(box.Packages, name) {
				p.Packages = append(p.Packages, name)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	defer unlock()
	return errors.Join(a.preview(p, c.Mode), a.Finish(ctx, host.Executor{}, p, c.Mode), refused)
}

// preview prints what will differ in files, unless finish does.
func (a *app) preview(p plan.Plan, m ui.Mode) error {
	if a.JSON || a.Quiet || a.Verbose || m.DryRun || m.Check {
		return nil
	}
	return a.PrintDiffs(p)
}

var errNoToolbox = errors.New("does not say which box is that of the toolbox image")

// toolboxOf returns the box that the toolbox image is for. That there is none is
// errNoToolbox.
func toolboxOf(files fs.FS) (distrobox.Box, error) {
	boxes, err := distrobox.Store{InImage: domains.ToolboxInImage}.Load(files)
	if err != nil {
		return distrobox.Box{}, err
	}
	containers := map[string]manifest.Box{}
	for _, b := range boxes {
		containers[b.Name] = b.Box
	}
	name, ok := manifest.Boxes{Containers: containers}.Toolbox()
	if !ok {
		return distrobox.Box{}, hint.Add(fmt.Errorf("%s %w", manifest.DistroboxPath, errNoToolbox), `it is the one called "bootc-dev", or the only one`)
	}
	i := slices.IndexFunc(boxes, func(b distrobox.Box) bool { return b.Name == name })
	return boxes[i], nil
}
