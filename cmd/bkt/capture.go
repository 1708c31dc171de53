package main

import (
	"context"
	"errors"

	"bkt/internal/live"
	"bkt/internal/plan"
	"bkt/internal/report"
)

type captureCmd struct {
	liveFlags
}

// Run records the current state of the system in the manifests.
func (c *captureCmd) Run(ctx context.Context, a *app) error {
	s, err := a.findDesktop(c.placeFlags)
	if err != nil {
		return err
	}
	notes, err := s.LearnPackages(ctx, c.Domains)
	if err != nil {
		return err
	}
	a.notes(notes)
	domains, end, err := a.begin(ctx, s, c.liveFlags)
	if err != nil {
		return err
	}
	defer end()
	items := live.Items(domains, live.DecideCapture(live.Side(c.Take)))
	if c.Pick {
		err = a.pick(ctx, "Capture", items, live.ToManifest)
	} else {
		err = a.askSecrets(ctx, items, c.liveFlags)
	}
	if err != nil {
		return err
	}
	err = a.capture(ctx, s, domains, items, c.liveFlags)
	problems := a.problems(domains)
	report.NotCaptured(&a.Printer, domains, items)
	return errors.Join(err, a.refusals(items), problems)
}

// capture captures the items that change, and prints them.
func (a *app) capture(ctx context.Context, s live.System, domains []*live.Domain, items []live.Item, f liveFlags) error {
	p, err := s.PlanCapture(items)
	if err != nil {
		return err
	}
	return f.Run(func() (bool, error) {
		return report.Preview(&a.Printer, domains, items, live.ToManifest, p)
	}, func() error {
		return a.executeCapture(ctx, s, domains, items, p, f.Yes)
	})
}

func (a *app) executeCapture(ctx context.Context, s live.System, domains []*live.Domain, items []live.Item, p plan.Plan, yes bool) error {
	for _, d := range domains {
		what := d.TooMany(items)
		if what == "" || yes {
			continue
		}
		a.Note("%s: to bring them back on this system instead, run \"bkt apply --restore %[1]s\"", d.Name())
		if err := a.Confirm(ctx, what); err != nil {
			return err
		}
	}
	if err := live.ExecuteCapture(ctx, p, items); err != nil {
		return err
	}
	err := s.SaveBases(ctx, domains, items)
	return errors.Join(report.Result(&a.Printer, domains, items, live.ToManifest, p), err)
}
