package live

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"bkt/internal/domains"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// DecideApply returns the function that decides about items for an apply: the
// manifest's value is applied to the system wherever the manifest changed. take
// resolves conflicts. Without prune, nothing is removed.
func DecideApply(take Side, prune bool) func(*Item) {
	return func(i *Item) {
		switch i.Case {
		case reconcile.CaseMissing, reconcile.CaseManifest, reconcile.CaseNoBase, reconcile.CaseMerge, reconcile.CaseBroken:
			i.Op = ToSystem.Op(i.Difference)
		case reconcile.CaseConflict:
			resolveConflict(i, take, ManifestSide, ToSystem)
		default:
			i.Keep()
		}
		if i.Op == plan.Remove && !prune {
			i.Op, i.Result = "", Listed
		}
	}
}

// DecideRestore returns the function that decides about items for an apply that makes the
// system what the manifests say, whatever changed on it: it applies what DecideApply does,
// takes the manifest's side in conflicts, and undoes changes made on the system. What no
// manifest declares stays, and without prune nothing is removed.
func DecideRestore(prune bool) func(*Item) {
	apply := DecideApply(ManifestSide, prune)
	return func(i *Item) {
		if i.isUndoable() {
			i.Op = ToSystem.Op(i.Difference)
		} else {
			apply(i)
		}
		i.Restored = i.Op != "" && i.Op != plan.Remove && i.overwrites()
	}
}

// isUndoable reports whether only the system has changed, and an apply can undo that.
func (i *Item) isUndoable() bool {
	switch i.Case {
	case reconcile.CaseLive, reconcile.CaseUncapturable:
		return i.Manifest != nil && !i.Reported
	}
	return false
}

// overwrites reports whether an apply of the item overwrites what someone did on the
// system.
func (i *Item) overwrites() bool {
	switch i.Case {
	case reconcile.CaseConflict, reconcile.CaseMerge, reconcile.CaseNoBase:
		return true
	}
	return i.isUndoable()
}

// A DomainPlan is a plan for one domain.
type DomainPlan struct {
	*Domain
	Plan    plan.Plan
	Removes bool // otherwise, it adds and changes
}

// PlanApply returns the plans that apply the items that change, in the order of
// execution: removals are last, and start with the last domain.
func PlanApply(items []Item) []DomainPlan { return planApply(selected(items)) }

func planApply(domains []selection) []DomainPlan {
	var changes, removals []DomainPlan
	for _, d := range domains {
		change, remove := d.Comparison.Apply(d.keys, d.exact)
		changes, removals = append(changes, DomainPlan{d.Domain, change, false}), append(removals, DomainPlan{d.Domain, remove, true})
	}
	slices.Reverse(removals)
	return append(changes, removals...)
}

// Changes returns the changes of all plans.
func Changes(plans []DomainPlan) plan.Plan {
	var all plan.Plan
	for _, p := range plans {
		all = append(all, p.Plan...)
	}
	return all
}

// Removals returns the items that are removed.
func Removals(items []Item) []Item {
	return slices.DeleteFunc(slices.Clone(items), func(i Item) bool { return i.Op != plan.Remove })
}

// Restored returns the items that an apply restores.
func Restored(items []Item) []Item {
	return slices.DeleteFunc(slices.Clone(items), func(i Item) bool { return !i.Restored || i.Op == "" })
}

// Undoable returns the number of items that stay as someone changed them on the system, and
// that [DecideRestore] would restore.
func Undoable(items []Item) int {
	n := 0
	for _, i := range items {
		if i.Op == "" && i.isUndoable() {
			n++
		}
	}
	return n
}

// Losses returns the data that will be lost when a plan is executed, and the data that
// remains.
func Losses(p plan.Plan) []string {
	var losses []string
	for _, c := range p {
		if len(c.DataLoss) > 0 {
			losses = append(losses, fmt.Sprintf("%s: %s: will be lost: %s", c.Domain, strings.Join(c.Targets, " "), strings.Join(c.DataLoss, "; ")))
		}
		if len(c.Remains) > 0 {
			losses = append(losses, fmt.Sprintf("%s: %s: remains after the removal: %s", c.Domain, strings.Join(c.Targets, " "), strings.Join(c.Remains, "; ")))
		}
	}
	return losses
}

// CountLosses returns the number of changes that lose data although they remove
// nothing: they recreate something.
func CountLosses(p plan.Plan) int {
	n := 0
	for _, c := range p {
		if len(c.DataLoss) > 0 && c.Op != plan.Remove {
			n++
		}
	}
	return n
}

// ErrChangedMeanwhile is the error of a plan that would be different by now.
var ErrChangedMeanwhile = errors.New("nothing was changed: the system or a manifest has changed in the meantime")

// CheckUnchanged returns [ErrChangedMeanwhile] if the items that change would be planned
// differently by now: nothing that someone edited while they were asked is overwritten
// or removed.
func (s System) CheckUnchanged(ctx context.Context, items []Item, planned []DomainPlan) error {
	same := true
	now := selected(items)
	for n, d := range now {
		fresh := *d.Domain
		var err error
		if fresh.Comparison, err = s.compare(ctx, d.Domain); err != nil {
			return err
		}
		same = same && reflect.DeepEqual(differencesOf(fresh.Comparison, d.keys), differencesOf(d.Comparison, d.keys))
		now[n].Domain = &fresh
	}
	if !same || !reflect.DeepEqual(Changes(planApply(now)), Changes(planned)) {
		return hint.Add(ErrChangedMeanwhile, "run the command again")
	}
	return nil
}

// differencesOf returns the differences of the items that have these keys.
func differencesOf(c reconcile.Comparison, keys []string) []reconcile.Difference {
	return slices.DeleteFunc(slices.Clone(c.Differences()), func(d reconcile.Difference) bool { return !slices.Contains(keys, d.Key) })
}

// An Event reports progress: one of its fields is set.
type Event struct {
	Starting plan.Plan // these changes of one domain are executed next; not empty
	Applied  *Item     // this item was changed
}

// Execute executes plans, and sets the results of items that fail. A failure in one
// domain, or of one item, does not stop the others. A domain that needs facts from another
// one, which has changed by then, is read and planned again.
func (s System) Execute(ctx context.Context, plans []DomainPlan, items []Item, report func(Event)) error {
	changed := map[string]bool{}
	for _, p := range plans {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(p.Plan) > 0 {
			if slices.ContainsFunc(domains.Needs(p.Name()), func(other string) bool { return changed[other] }) {
				p.Plan = s.replan(ctx, p, items)
			}
			changed[p.Name()] = true
			report(Event{Starting: p.Plan})
		}
		err := host.Executor{}.Execute(ctx, p.Plan, func(c plan.Change, err error) { p.recordResult(c, err, items, report) })
		if _, lost := errors.AsType[*host.SyncError](err); lost || err != nil && !p.hasFailed(items) {
			return err // before anything was executed, or none of it is certain
		}
	}
	return nil
}

// replan returns the plan for the domain as it is now. If the domain cannot be read now,
// the plan stays.
func (s System) replan(ctx context.Context, p DomainPlan, items []Item) plan.Plan {
	now, err := s.compare(ctx, p.Domain)
	if err != nil {
		return p.Plan
	}
	for _, d := range selected(items) {
		if d.Domain != p.Domain {
			continue
		}
		differs := differencesOf(now, d.keys)
		keys := slices.DeleteFunc(slices.Clone(d.keys), func(key string) bool {
			return !slices.ContainsFunc(differs, func(d reconcile.Difference) bool { return d.Key == key })
		})
		change, remove := now.Apply(keys, d.exact)
		if p.Removes {
			return remove
		}
		return change
	}
	return p.Plan
}

// recordResult notes the result of a change in its items.
func (p DomainPlan) recordResult(c plan.Change, err error, items []Item, report func(Event)) {
	for n := range items {
		i := &items[n]
		if i.Domain != p.Domain || !slices.Contains(c.Targets, i.Key) {
			continue
		}
		switch {
		case i.Err != nil: // an earlier change of the item failed
		case err != nil:
			i.Result, i.Err = Failed, err
		case !i.reported:
			i.reported = true
			report(Event{Applied: i})
		}
	}
}

// hasFailed reports whether an item of the plan's domain failed.
func (p DomainPlan) hasFailed(items []Item) bool {
	return slices.ContainsFunc(items, func(i Item) bool { return i.Domain == p.Domain && i.Result == Failed })
}

// Verify reads the domains of the changed items again, and sets the results of these:
// an item that still differs has failed, whatever its command reported, and so has one
// that cannot be read. It returns the domains as they are now, which the items then
// refer to.
func (s System) Verify(ctx context.Context, domains []*Domain, items []Item) ([]*Domain, error) {
	after := slices.Clone(domains)
	for _, d := range selected(items) {
		fresh := *d.Domain
		fresh.Comparison, fresh.Err = s.compare(ctx, d.Domain)
		after[slices.Index(domains, d.Domain)] = &fresh
		for n := range items {
			if items[n].Domain == d.Domain {
				items[n].Domain = &fresh
			}
		}
		fresh.findFailures(items)
	}
	setResult(items, Applied)
	return after, context.Cause(ctx)
}

// findFailures sets the results of the domain's items that failed.
func (d *Domain) findFailures(items []Item) {
	differs := map[string]reconcile.Difference{}
	if d.Err == nil {
		for _, difference := range d.Comparison.Differences() {
			differs[difference.Key] = difference
		}
	}
	for n := range items {
		if i := &items[n]; i.Domain == d && i.Op != "" && i.Err == nil {
			if err := d.checkApplied(*i, differs); err != nil {
				i.Result, i.Err = Failed, err
			}
		}
	}
}

// checkApplied returns an error if an item that was changed still differs, or if that
// is unknown.
func (d *Domain) checkApplied(i Item, differs map[string]reconcile.Difference) error {
	now, still := differs[i.Key]
	// A merged item, or one that can only be captured, is for capture now.
	onlyHere := now.Case == reconcile.CaseRenamed || now.Case == reconcile.CaseLive && (now.Reported || !i.isUndoable() && !i.Restored)
	switch {
	case d.Err != nil:
		return fmt.Errorf("was changed, but the result is unknown: %w", d.Err)
	case slices.Contains(d.Comparison.Hidden(), i.Key):
		return errors.New("was changed, but the result is unknown: it can no longer be read")
	case !still, onlyHere:
		return nil
	}
	return hint.Add(stillDiffers(now), "run the command with -v to see what it executes")
}

func stillDiffers(now reconcile.Difference) error {
	switch {
	case now.Case == reconcile.CaseBroken:
		return maskError(now.Why)
	case now.Live == nil:
		return errors.New("is still missing")
	case now.Manifest == nil:
		return errors.New("still exists")
	}
	return errors.New("still differs: " + describe(now.Live, now.Manifest))
}
