package main

import (
	"context"
	"errors"
	"fmt"

	"bkt/internal/live"
	"bkt/internal/reconcile"
	"bkt/internal/ui"
)

type driftCmd struct {
	Show    showDriftCmd `cmd:"" default:"withargs" help:"Show differences between the system and the manifests."`
	Resolve resolveCmd   `cmd:"" help:"Resolve differences interactively."`
}

type showDriftCmd struct{ domainArgs }

// Run prints the differences. If there are any, the exit status is 2.
func (c *showDriftCmd) Run(ctx context.Context, a *app) error {
	s, err := thisDesktop()
	if err != nil {
		return err
	}
	domains, err := s.Look(ctx, c.Domains)
	if err != nil {
		return err
	}
	items := live.Items(domains, nil)
	if err := a.printDrift(domains, items); err != nil {
		return err
	}
	a.notes(live.DomainNotes(domains))
	err = a.problems(domains)
	if len(items) > 0 {
		err = errors.Join(err, ui.ErrPending)
	}
	return err
}

func (a *app) printDrift(domains []*live.Domain, items []live.Item) error {
	switch {
	case a.JSON:
		return a.PrintJSON(asDomainsJSON(domains, items))
	case len(items) == 0 && !a.Quiet:
		_, err := fmt.Fprintln(a.Out, "up to date")
		return err
	}
	return a.printLines(items, func(i live.Item) string {
		return i.MaskedKey() + ": " + a.Paint(a.Out, colourOfCase(i.Case), live.Explain(i.Difference))
	})
}

func colourOfCase(c reconcile.Case) string {
	switch c {
	case reconcile.CaseConflict, reconcile.CaseUncapturable:
		return ui.Red
	case reconcile.CaseLive, reconcile.CaseNew:
		return ui.Green
	}
	return ui.Yellow
}
