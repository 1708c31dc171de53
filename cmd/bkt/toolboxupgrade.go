package main

import (
	"context"
	"errors"

	"bkt/internal/live"
	"bkt/internal/ui"
	"bkt/internal/upgrade"
)

type upgradeCmd struct {
	ui.Mode
	Image        string `placeholder:"IMAGE" help:"The new image: a name in a registry or on this machine, or oci-layout://DIR (default: the image that the manifest names, in its current version)."`
	NoHookCheck  bool   `help:"Do not run the hooks in the new image first."`
	RemoveBackup bool   `help:"Remove the old container when the new one works."`
	Yes          bool   `short:"y" help:"Do not ask for confirmation."`
	engineFlags  `embed:""`
	placeFlags
}

// Run recreates the container of the toolbox from a new image.
func (c *upgradeCmd) Run(ctx context.Context, a *app) error {
	s, err := a.findDesktop(c.placeFlags)
	if err != nil {
		return err
	}
	p, err := upgrade.New(ctx, s.Workspace, s.Cache, c.Image)
	if err != nil {
		return err
	}
	return c.Mode.Run(func() (bool, error) {
		outcome, err := p.Preview(ctx, a)
		if err != nil {
			return false, err
		}
		return outcome != upgrade.Unchanged, a.printUpgrade(p, outcome, false)
	}, func() error { return c.execute(ctx, a, s, p) })
}

// execute fetches the image, asks, recreates the container, and prints the outcome.
func (c *upgradeCmd) execute(ctx context.Context, a *app, s live.System, p upgrade.Plan) error {
	unlock, err := a.lock(ctx, s.Repo, c.Mode)
	if err != nil {
		return err
	}
	defer unlock()
	defer a.saveCache(s)
	candidate, err := p.Fetch(ctx, a)
	if err != nil {
		return err
	}
	defer candidate.Release(ctx)
	if candidate.IsCurrent() {
		return a.printUpgrade(p, upgrade.Unchanged, false)
	}
	if err := c.accept(ctx, a, candidate); err != nil {
		return errors.Join(err, candidate.Abandon(ctx))
	}
	outcome, err := candidate.Execute(ctx, a)
	if outcome == upgrade.None {
		return err
	}
	removed := false
	if err == nil {
		removed, err = c.removeBackup(ctx, a, candidate)
	}
	return errors.Join(a.printUpgrade(p, outcome, removed), err)
}

// accept checks the hooks and asks whether to recreate the container.
func (c *upgradeCmd) accept(ctx context.Context, a *app, candidate upgrade.Candidate) error {
	if !c.NoHookCheck {
		if err := candidate.CheckHooks(ctx, a, c.engineFlags.options(a)); err != nil {
			return err
		}
	}
	for _, lost := range candidate.DataLoss {
		a.Note("%s loses %s", candidate.Container, lost)
	}
	if c.Yes {
		return nil
	}
	return a.Confirm(ctx, "recreate "+candidate.Container)
}

// removeBackup removes the old container if the user wants it.
func (c *upgradeCmd) removeBackup(ctx context.Context, a *app, candidate upgrade.Candidate) (removed bool, err error) {
	if !c.RemoveBackup {
		if c.Yes || !ui.Interactive() {
			return false, nil
		}
		if err := a.Confirm(ctx, "remove the old container, "+candidate.Backup); errors.Is(err, ui.ErrDeclined) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	err = candidate.RemoveBackup(ctx)
	return err == nil, err
}

// printUpgrade prints the outcome. If nothing was executed, it prints the plan.
func (a *app) printUpgrade(p upgrade.Plan, outcome upgrade.Outcome, removed bool) error {
	switch {
	case a.JSON:
		return a.PrintJSON(upgradeJSON{p.Report(outcome, removed), a.warnings})
	case outcome == upgrade.Unchanged:
		return a.Print("nothing to do\n")
	case outcome == upgrade.RolledBack, a.Quiet:
		return nil
	case outcome == upgrade.None:
		return a.Print(p.Text(a.Verbose))
	}
	err := a.Print("~ distrobox " + p.Container + "\n")
	if err == nil && !removed {
		a.Note("the old container is %s; to remove it, run \"%s rm --force %s\"", p.Backup, p.Manager, p.Backup)
	}
	return err
}

// upgradeJSON is the output of --json.
type upgradeJSON struct {
	upgrade.Report
	Warnings []warningJSON `json:"warnings,omitempty"`
}
