package main

import (
	"context"
	"errors"

	"bkt/internal/host"
	"bkt/internal/live"
	"bkt/internal/report"
)

type applyCmd struct {
	liveFlags
	Prune bool `help:"Also remove items that were removed from the manifests."`
}

// Run applies the manifests to the system.
func (c *applyCmd) Run(ctx context.Context, a *app) error {
	s, err := live.FindDesktop(a.links)
	if err != nil {
		return err
	}
	domains, end, err := a.begin(ctx, s, c.liveFlags)
	if err != nil {
		return err
	}
	defer end()
	items := live.Items(domains, live.DecideApply(live.Side(c.Take), c.Prune))
	if c.Pick {
		if err := a.pick(ctx, "Apply", items, live.ToSystem); err != nil {
			return err
		}
	}
	err = a.apply(ctx, s, domains, items, c.liveFlags)
	return errors.Join(err, a.refusals(items), a.problems(domains))
}

// apply applies the items that change, and prints them.
func (a *app) apply(ctx context.Context, s live.System, domains []*live.Domain, items []live.Item, f liveFlags) error {
	plans := live.PlanApply(items)
	a.notes(live.Losses(live.Changes(plans)))
	return f.Run(func() (bool, error) {
		return report.Preview(&a.Printer, domains, items, live.ToSystem, live.Changes(plans))
	}, func() error {
		return a.executeApply(ctx, s, domains, items, plans, f.Yes)
	})
}

func (a *app) executeApply(ctx context.Context, s live.System, domains []*live.Domain, items []live.Item, plans []live.DomainPlan, yes bool) error {
	if !yes {
		if err := a.confirmApply(ctx, items, plans); err != nil {
			return err
		}
	}
	if a.Asked {
		if err := s.CheckUnchanged(ctx, items, plans); err != nil {
			return err
		}
	}
	if err := live.Execute(host.WithProgress(ctx, report.Downloads(&a.Printer)), plans, items, report.Progress(&a.Printer)); err != nil {
		return err
	}
	after, err := s.Verify(ctx, domains, items)
	if err != nil {
		return err
	}
	err = s.SaveBases(ctx, after, items)
	return errors.Join(report.Result(&a.Printer, after, items, live.ToSystem, nil), err)
}

// confirmApply asks before something is removed, and before data is lost.
func (a *app) confirmApply(ctx context.Context, items []live.Item, plans []live.DomainPlan) error {
	removed := live.Removals(items)
	for _, i := range removed {
		a.Note("%s: %s", i.Domain.Name(), i.Line(live.ToSystem))
	}
	if len(removed) > 0 {
		if err := a.Confirm(ctx, "remove "+live.Amount(len(removed))+" from this system"); err != nil {
			return err
		}
	}
	if n := live.CountLosses(live.Changes(plans)); n > 0 {
		return a.Confirm(ctx, "recreate "+live.Amount(n))
	}
	return nil
}
