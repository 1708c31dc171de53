package main

import (
	"context"
	"errors"

	"bkt/internal/live"
	"bkt/internal/report"
	"bkt/internal/ui"
	"bkt/internal/usage"
)

type driftCmd struct {
	Show    showDriftCmd `cmd:"" default:"withargs" help:"Show differences between the system and the manifests."`
	Resolve resolveCmd   `cmd:"" help:"Resolve differences interactively."`
}

type showDriftCmd struct{ domainArgs }

// Run prints the differences. If there are any, the exit status is 2.
func (c *showDriftCmd) Run(ctx context.Context, a *app) error {
	s, err := a.findDesktop(c.placeFlags)
	if err != nil {
		return err
	}
	domains, err := s.Look(ctx, c.Domains)
	if err != nil {
		return usage.OrCommand(err, c.Domains, "bkt drift resolve")
	}
	items := live.Items(domains, nil)
	if err := report.Drift(&a.Printer, domains, items); err != nil {
		return err
	}
	a.noteUndoable(items)
	a.notes(live.DomainNotes(domains))
	err = a.problems(domains)
	if len(items) > 0 {
		err = errors.Join(err, ui.ErrPending)
	}
	return err
}
