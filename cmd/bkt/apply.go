package main

import (
	"context"
	"errors"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/live"
	"bkt/internal/plan"
	"bkt/internal/report"
	"bkt/internal/shell"
	"bkt/internal/ui"
)

type applyCmd struct {
	liveFlags
	Prune   bool `help:"Also remove items that were removed from the manifests."`
	Restore bool `help:"Also undo what was changed or removed on this system."`
	First   bool `kong:"-"` // a new clone: show what would change, and ask
}

// decide returns the function that decides about items.
func (c *applyCmd) decide() (func(*live.Item), error) {
	take := live.Side(c.Take)
	switch {
	case !c.Restore:
		return live.DecideApply(take, c.Prune), nil
	case take == live.LiveSide:
		return nil, hint.Add(errors.New("--restore and --take live contradict each other: to restore is to take the manifests' side"),
			"leave out one of them, or use --interactive to select items")
	}
	return live.DecideRestore(c.Prune), nil
}

// Run applies the manifests to the system.
func (c *applyCmd) Run(ctx context.Context, a *app) error {
	decide, err := c.decide()
	if err != nil {
		return err
	}
	s, err := a.findDesktop(c.placeFlags)
	if err != nil {
		return err
	}
	domains, end, err := a.begin(ctx, s, c.liveFlags)
	if err != nil {
		return err
	}
	defer end()
	items := live.Items(domains, decide)
	if c.Pick {
		if err := a.pick(ctx, "Apply", items, live.ToSystem); err != nil {
			return err
		}
	}
	if c.First {
		if agreed, err := a.agree(ctx, s, domains, items, c.Yes); err != nil || !agreed {
			return errors.Join(err, a.refusals(items), a.problems(domains))
		}
	}
	err = a.apply(ctx, s, domains, items, c.liveFlags)
	a.noteUndoable(items)
	return errors.Join(err, a.refusals(items), a.problems(domains))
}

// agree shows what an apply would do with the repository of someone who may not be the user,
// and asks. Without a terminal, it names the command instead.
func (a *app) agree(ctx context.Context, s live.System, domains []*live.Domain, items []live.Item, yes bool) (agreed bool, err error) {
	if yes {
		return true, nil
	}
	changes, err := report.Preview(&a.Printer, domains, items, live.ToSystem, live.Changes(live.PlanApply(items)))
	switch {
	case err != nil || !changes:
		return false, err
	case ui.Interactive():
		return true, a.Confirm(ctx, "apply this to this system")
	}
	a.Note("to apply this, run \"bkt -C %s apply\"", shell.Show(s.Repo.Root))
	return false, nil
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
	if err := s.Execute(host.WithProgress(ctx, report.Downloads(&a.Printer)), plans, items, report.Progress(&a.Printer)); err != nil {
		return err
	}
	after, err := s.Verify(ctx, domains, items)
	if err != nil {
		return err
	}
	err = s.SaveBases(ctx, after, items)
	return errors.Join(report.Result(&a.Printer, after, items, live.ToSystem, nil), err)
}

// confirmApply asks, in one question, before it undoes what someone did on the system,
// before something is removed, and before data is lost.
func (a *app) confirmApply(ctx context.Context, items []live.Item, plans []live.DomainPlan) error {
	restored, removed := live.Restored(items), live.Removals(items)
	for _, i := range items {
		if i.Op == plan.Remove || i.Op != "" && len(restored) > 0 {
			a.Note("%s: %s", i.Domain.Name(), i.Line(live.ToSystem))
		}
	}
	var what []string
	if len(restored) > 0 {
		what = append(what, "restore "+live.Amount(len(restored))+" on this system")
	}
	if len(removed) > 0 {
		what = append(what, "remove "+live.Amount(len(removed))+" from this system")
	}
	if n := live.CountLosses(live.Changes(plans)); n > 0 {
		what = append(what, "recreate "+live.Amount(n))
	}
	if len(what) == 0 {
		return nil
	}
	return a.Confirm(ctx, strings.Join(what, ", "))
}

// noteUndoable says how many items stay as someone changed them on the system, and both
// ways to go on.
func (a *app) noteUndoable(items []live.Item) {
	if n := live.Undoable(items); n > 0 {
		a.Note("%s changed or removed on this system: %s", live.Amount(n), live.BothWays)
	}
}
