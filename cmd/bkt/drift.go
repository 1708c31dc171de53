package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"bkt/internal/reconcile"
	"bkt/internal/ui"
)

type driftCmd struct {
	Show    showDriftCmd `cmd:"" default:"withargs" help:"Print the differences between the system and the manifests."`
	Resolve resolveCmd   `cmd:"" help:"Decide about each difference on the terminal."`
}

type showDriftCmd struct{ domainArgs }

// Run prints the differences. That there are some is status 2.
func (c *showDriftCmd) Run(ctx context.Context, a *app) error {
	s, err := thisDesktop()
	if err != nil {
		return err
	}
	domains, err := s.look(ctx, c.Domains)
	if err != nil {
		return err
	}
	items := each(domains, func(*item) {})
	if err := a.printDrift(domains, items); err != nil {
		return err
	}
	a.tellNotes(domains)
	err = a.troubles(domains)
	if len(items) > 0 {
		err = errors.Join(err, ui.ErrPending)
	}
	return err
}

func (a *app) printDrift(domains []domain, items []item) error {
	if a.JSON {
		return a.PrintJSON(asDomainsJSON(domains, items))
	}
	var out strings.Builder
	last := ""
	for _, i := range items {
		if i.domain != last {
			last = i.domain
			fmt.Fprintln(&out, i.domain)
		}
		fmt.Fprintf(&out, "  %s: %s\n", i.shown(), a.Paint(a.Out, colourOf(i.Case), inWords(i.Difference)))
	}
	if len(items) == 0 && !a.Quiet {
		out.WriteString("nothing differs\n")
	}
	_, err := a.Out.Write([]byte(out.String()))
	return err
}

func colourOf(c reconcile.Case) string {
	switch c {
	case reconcile.CaseConflict, reconcile.CaseUncapturable:
		return ui.Red
	case reconcile.CaseLive, reconcile.CaseNew:
		return ui.Green
	}
	return ui.Yellow
}

// inWords says how an item differs.
func inWords(d reconcile.Difference) string {
	switch d.Case {
	case reconcile.CaseNew:
		return "new here"
	case reconcile.CaseMissing:
		return "declared, and not here"
	case reconcile.CaseUncapturable:
		return "here, and not to be captured: " + withoutSecret(d.Why).Error()
	case reconcile.CaseLive:
		return side("here", d.Live, d.Base)
	case reconcile.CaseManifest:
		return side("in the manifest", d.Manifest, d.Base)
	case reconcile.CaseNoBase:
		return "differs: here and in the manifest " + describe(d.Live, d.Manifest)
	}
	text := side("here", d.Live, d.Base) + "; " + side("in the manifest", d.Manifest, d.Base)
	if d.Case == reconcile.CaseMerge {
		return text
	}
	return "conflict: " + text
}

// side says what has changed on one side.
func side(where string, now, before []byte) string {
	if now == nil {
		return "removed " + where
	}
	return "changed " + where + ": " + describe(before, now)
}
