package main

import (
	"context"
	"errors"

	"bkt/internal/containerfile"
	"bkt/internal/domains"
	"bkt/internal/host"
	"bkt/internal/live"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/ui"
)

type toolboxCaptureCmd struct {
	ui.Mode
	placeFlags
}

// Run adds the packages that were installed by hand in the toolbox container to the
// manifest of the toolbox image.
func (c *toolboxCaptureCmd) Run(ctx context.Context, a *app) error {
	s, err := a.findDesktop(c.placeFlags)
	if err != nil {
		return err
	}
	container, err := domains.Toolbox(s.Repo.FS())
	if err != nil {
		return err
	}
	added, err := domains.Distrobox(s.Folders, s.Cache).Added(ctx, host.Query{}, container.Name)
	if err != nil {
		return err
	}
	added, refused := live.WithoutSecrets(added)
	err = a.change(ctx, s.Repo, c.Mode, func() (plan.Plan, error) {
		p, err := containerfile.EditPackages(ctx, a, s.Repo, syncOptions(c.Mode), a.image, func(p *manifest.Packages) error {
			containerfile.CapturePackages(p, added, container.Packages)
			return nil
		})
		if err == nil {
			err = a.preview(p, c.Mode)
		}
		return p, err
	})
	return errors.Join(err, refused)
}

// preview prints the diffs of p, unless Finish does.
func (a *app) preview(p plan.Plan, m ui.Mode) error {
	if a.JSON || a.Quiet || a.Verbose || m.DryRun || m.Check {
		return nil
	}
	return a.PrintDiffs(p)
}
