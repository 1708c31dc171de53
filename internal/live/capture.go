package live

import (
	"context"
	"errors"
	"fmt"

	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
	"bkt/internal/repo"
	"bkt/internal/workspace"
)

// A Side of an item can win a conflict.
type Side string

// The sides, as --take names them.
const (
	NoSide       Side = ""
	LiveSide     Side = "live"
	ManifestSide Side = "manifest"
)

// DecideCapture returns the function that decides about items for a capture: the
// system's value goes into the manifest wherever the system changed. take resolves
// conflicts.
func DecideCapture(take Side) func(*Item) {
	return func(i *Item) {
		switch i.Case {
		case reconcile.CaseLive, reconcile.CaseNew, reconcile.CaseNoBase, reconcile.CaseMerge, reconcile.CaseRenamed:
			i.Op = ToManifest.Op(i.Difference)
		case reconcile.CaseConflict:
			resolveConflict(i, take, LiveSide, ToManifest)
		case reconcile.CaseUncapturable:
			i.Refuse(hint.Add(maskError(i.Why), "to ignore it, add the line %q to %s", i.IgnoreLine(), workspace.IgnoreFile))
		default:
			i.Keep()
		}
	}
}

// DecideAutoCapture decides about an item when nobody can be asked: only changes made
// on the system alone are captured. Without the last known state that it had, an item that
// only the system has may be one that was removed from the manifest.
func DecideAutoCapture(i *Item) {
	i.Keep()
	if i.Case != reconcile.CaseLive && i.Case != reconcile.CaseNew && i.Case != reconcile.CaseRenamed {
		return
	}
	if i.Domain.LostBase {
		i.Refuse(hint.Add(errors.New("the last known state was damaged, so bkt does not know whether it is new, or was removed from the manifest"),
			"run \"bkt drift %s\", and \"bkt capture %[1]s\" or \"bkt apply %[1]s\"", i.Domain.Name()))
		return
	}
	i.Op, i.Result = ToManifest.Op(i.Difference), ""
}

// resolveConflict decides about an item that changed on both sides. It changes if the
// user takes side, which is the side whose value this direction spreads.
func resolveConflict(i *Item, take, side Side, to Direction) {
	switch take {
	case side:
		i.Op = to.Op(i.Difference)
	case NoSide:
		i.Refuse(hint.Add(errors.New(Explain(i.Difference)),
			"run \"bkt drift\" to see it, and \"bkt drift resolve\" to resolve it, or add --take live or --take manifest"))
	default:
		i.Keep()
	}
}

// Capture returns the repository with the system's values of the items that change.
func (s System) Capture(items []Item) (*reconcile.Edits, error) {
	edits := reconcile.NewEdits(s.Repo.FS())
	for _, d := range selected(items) {
		if err := d.Comparison.Capture(edits, d.keys); err != nil {
			return nil, patherr.TrimOp(err)
		}
	}
	return edits, nil
}

// Rewrite is the plan that writes the files that were edited.
func (s System) Rewrite(edits *reconcile.Edits) (plan.Plan, error) {
	var p plan.Plan
	for _, name := range edits.Names() {
		text, err := edits.ReadFile(name)
		if err := errors.Join(err, repo.CheckSize(name, text)); err != nil {
			return nil, err
		}
		p = append(p, s.Repo.Rewrite(name, edits.Before(name), text)...)
	}
	return p, nil
}

// PlanCapture is the plan that writes the system's values of the items that change
// into their manifests.
func (s System) PlanCapture(items []Item) (plan.Plan, error) {
	edits, err := s.Capture(items)
	if err != nil {
		return nil, err
	}
	return s.Rewrite(edits)
}

// ExecuteCapture executes the plan of a capture, and sets the results of its items.
func ExecuteCapture(ctx context.Context, p plan.Plan, items []Item) error {
	if err := (host.Executor{}).Execute(ctx, p, nil); err != nil {
		return err
	}
	setResult(items, Captured)
	return nil
}

// Removing more than manyRemovals items, and more than one in manyParts of a domain,
// may mean that the system is broken rather than that the user removed them.
const (
	manyRemovals = 5
	manyParts    = 5
)

// TooMany describes the removals of a capture from the manifest of the domain, if they
// are so many that the user may not intend them; otherwise "".
func (d *Domain) TooMany(items []Item) string {
	if d.Comparison == nil {
		return ""
	}
	removed, added := 0, 0
	for _, i := range items {
		switch {
		case i.Domain != d:
		case i.Op == plan.Remove:
			removed++
		case i.Op == plan.Add:
			added++
		}
	}
	total := d.Comparison.Total()
	many := removed > manyRemovals && removed*manyParts > total
	if removed == 0 || !many && total-removed+added > 0 {
		return ""
	}
	return fmt.Sprintf("remove %d of %d items of %s from the manifest", removed, total, d.Name())
}
