package main

import (
	"context"
	"errors"
	"slices"

	"bkt/gen"
	"bkt/internal/containerfile"
	"bkt/internal/domains"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/live"
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
	box, err := domains.Toolbox(s.Repo.FS())
	if err != nil {
		return err
	}
	added, err := domains.Distrobox(s.Folders, s.Cache).Added(ctx, host.Query{}, box.Name)
	if err != nil {
		return hint.Add(err, "what was installed is asked of the box while it runs: \"distrobox enter %s\" starts it", box.Name)
	}
	added, refused := live.WithoutSecrets(added)
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
