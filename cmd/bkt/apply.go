package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
	"bkt/internal/ui"
)

type applyCmd struct {
	tierTwoFlags
	Prune bool `help:"Remove what is no longer declared, as far as bkt has brought it here."`
}

// Run makes the system have what the manifests say.
func (c *applyCmd) Run(ctx context.Context, a *app) error {
	s, domains, end, err := a.begin(ctx, c.tierTwoFlags)
	if err != nil {
		return err
	}
	defer end()
	items := each(domains, func(i *item) { c.decide(i) })
	if err := a.pick(ctx, c.Pick, "Apply", items, applying); err != nil {
		return err
	}
	err = a.apply(ctx, s, domains, items, c.Mode, c.Yes)
	return errors.Join(err, a.refusals(items), a.troubles(domains))
}

// decide decides what is done about an item.
func (c *applyCmd) decide(i *item) {
	switch i.Case {
	case reconcile.CaseMissing, reconcile.CaseManifest, reconcile.CaseNoBase, reconcile.CaseMerge:
		i.op = direction(applying).op(i.Difference)
	case reconcile.CaseConflict:
		settleConflict(i, c.Take, "manifest", applying)
	default:
		i.result = resultKept
	}
	if i.op == plan.Remove && !c.Prune {
		i.op, i.result = "", resultListed
	}
}

// apply carries out what was decided about items, and prints it.
func (a *app) apply(ctx context.Context, s system, domains []domain, items []item, m ui.Mode, yes bool) error {
	p := plans(domains, items)
	a.tellLosses(p)
	if m.DryRun || m.Check {
		return a.pending(domains, items, applying, slices.Concat(p...), m)
	}
	if err := a.confirmRemovals(items, yes); err != nil {
		return err
	}
	if err := a.confirmLosses(p, yes); err != nil {
		return err
	}
	if a.Asked {
		if err := s.unchanged(ctx, domains, items, p); err != nil {
			return err
		}
	}
	if err := a.carryOut(ctx, p, items); err != nil {
		return err
	}
	after, err := s.verify(ctx, domains, items)
	if err != nil {
		return err
	}
	mark(items, resultApplied)
	err = settle(ctx, after, nil, merged(items))
	return errors.Join(a.finished(after, items, applying, nil), err)
}

// unchanged returns an error if other plans would be made by now: what someone has
// edited while they were asked is neither overwritten nor removed.
func (s system) unchanged(ctx context.Context, domains []domain, items []item, planned []plan.Plan) error {
	now, same := slices.Clone(domains), true
	for n, d := range domains {
		keys := keysByDomain(items)[d.name()]
		if len(keys) == 0 {
			continue
		}
		before := differencesOf(now[n], keys)
		var err error
		if now[n].comparison, err = s.compare(ctx, d.kind, d.base); err != nil {
			return err
		}
		same = same && reflect.DeepEqual(differencesOf(now[n], keys), before)
	}
	if !same || !reflect.DeepEqual(plans(now, items), planned) {
		return hint.Add(errors.New("nothing was changed: the system, or a manifest, has changed meanwhile"), "run the command again")
	}
	return nil
}

// differencesOf returns the differences of the items that have these keys.
func differencesOf(d domain, keys []string) []reconcile.Difference {
	return slices.DeleteFunc(slices.Clone(d.comparison.Differences()), func(d reconcile.Difference) bool { return !slices.Contains(keys, d.Key) })
}

// plans returns what each domain does, in the order in which it is done:
// removals are last, and those of a domain before those of what it needs.
func plans(domains []domain, items []item) []plan.Plan {
	keys := keysByDomain(items)
	var changes, removals []plan.Plan
	for _, d := range domains {
		if d.comparison == nil || len(keys[d.name()]) == 0 {
			continue
		}
		change, remove := d.comparison.Apply(keys[d.name()])
		changes, removals = append(changes, change), append(removals, remove)
	}
	slices.Reverse(removals)
	return append(changes, removals...)
}

// confirmRemovals asks before something is removed.
func (a *app) confirmRemovals(items []item, yes bool) error {
	removed := 0
	for _, i := range items {
		if i.op == plan.Remove {
			removed++
		}
	}
	if removed == 0 || yes {
		return nil
	}
	for _, i := range items {
		if i.op == plan.Remove {
			a.Note("%s: %s", i.domain, direction(applying).line(i))
		}
	}
	return a.Confirm("remove " + amount(removed) + " from this system")
}

// tellLosses says what there is no getting back once plans are carried out, and what
// stays.
func (a *app) tellLosses(plans []plan.Plan) {
	for _, c := range slices.Concat(plans...) {
		if len(c.DataLoss) > 0 {
			a.Note("%s: %s loses %s", c.Domain, strings.Join(c.Targets, " "), strings.Join(c.DataLoss, "; "))
		}
		if len(c.Remains) > 0 {
			a.Note("%s: without %s, these stay: %s", c.Domain, strings.Join(c.Targets, " "), strings.Join(c.Remains, "; "))
		}
	}
}

// confirmLosses asks before something goes that is not removed for its own sake.
func (a *app) confirmLosses(plans []plan.Plan, yes bool) error {
	losing := 0
	for _, c := range slices.Concat(plans...) {
		if len(c.DataLoss) > 0 && c.Op != plan.Remove {
			losing++
		}
	}
	if losing == 0 || yes {
		return nil
	}
	return a.Confirm("make " + amount(losing) + " anew")
}

// carryOut does what was planned. What fails in one domain, or with one item,
// does not hold up the others; it is noted with the items.
func (a *app) carryOut(ctx context.Context, plans []plan.Plan, items []item) error {
	for _, p := range plans {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(p) > 0 && !a.Quiet {
			a.announce(p)
		}
		ctx := host.WithProgress(ctx, a.downloads())
		err := host.Executor{}.Execute(ctx, p, func(c plan.Change, err error) { a.conclude(c, err, items) })
		if err != nil && !failed(items, p) {
			return err // before anything was done
		}
	}
	return nil
}

// announce says what is going to happen.
func (a *app) announce(p plan.Plan) {
	targets := map[string]bool{}
	for _, c := range p {
		for _, t := range c.Targets {
			targets[t] = true
		}
		if !a.Verbose {
			continue
		}
		for _, step := range c.Steps {
			a.Note("$ %v", step)
		}
	}
	a.Note("%s: changing %d", p[0].Domain, len(targets))
}

// A program smaller than this is there before one could read how far it is.
const worthTelling = 8 << 20

// downloads returns what tells of each quarter of a download.
func (a *app) downloads() host.Progress {
	told := map[string]int64{}
	return func(name string, done, total int64) {
		if total < worthTelling || a.Quiet {
			return
		}
		if quarter := done * 4 / total; quarter != told[name] && quarter < 4 {
			told[name] = quarter
			a.Note("%s: %d%% of %d MB", name, 25*quarter, total>>20)
		}
	}
}

// conclude notes what came of a change.
func (a *app) conclude(c plan.Change, err error, items []item) {
	for n := range items {
		i := &items[n]
		if i.domain != c.Domain || !slices.Contains(c.Targets, i.Key) {
			continue
		}
		switch {
		case i.err != nil: // of an earlier step
		case err != nil:
			i.result, i.err = resultFailed, err
		case !i.told:
			i.told = true
			a.Note("%s: %s %s", i.domain, i.op, i.shown())
		}
	}
}

// failed reports whether an item of the plan is known to have failed.
func failed(items []item, p plan.Plan) bool {
	return slices.ContainsFunc(items, func(i item) bool {
		return i.result == resultFailed && slices.ContainsFunc(p, func(c plan.Change) bool {
			return c.Domain == i.domain
		})
	})
}

// verify looks once more at the domains that were changed. An item that is not
// as it should be has failed, whatever the command said that changed it, and so has
// one that cannot be looked at.
func (s system) verify(ctx context.Context, domains []domain, items []item) ([]domain, error) {
	keys := keysByDomain(items)
	after := slices.Clone(domains)
	for n, d := range domains {
		if len(keys[d.name()]) == 0 {
			continue
		}
		after[n].comparison, after[n].err = s.compare(ctx, d.kind, d.base)
		findFailed(after[n], items)
	}
	return after, context.Cause(ctx)
}

// findFailed notes with the items of a domain that was looked at once more which of
// them have failed.
func findFailed(d domain, items []item) {
	differs := map[string]reconcile.Difference{}
	if d.err == nil {
		for _, difference := range d.comparison.Differences() {
			differs[difference.Key] = difference
		}
	}
	for n := range items {
		if i := &items[n]; i.domain == d.name() && i.op != "" && i.err == nil {
			if err := d.stillDiffers(*i, differs); err != nil {
				i.result, i.err = resultFailed, err
			}
		}
	}
}

// stillDiffers returns an error if an item that was changed is not as it should be,
// or if that is not known.
func (d domain) stillDiffers(i item, differs map[string]reconcile.Difference) error {
	now, still := differs[i.Key]
	// What was merged, or is only ever captured, is for capture from now on.
	onlyHere := i.Case != reconcile.CaseLive && now.Case == reconcile.CaseLive
	switch {
	case d.err != nil:
		return fmt.Errorf("was changed, and whether it is as it should be is not known: %w", d.err)
	case slices.Contains(d.comparison.Hidden(), i.Key):
		return errors.New("was changed, and whether it is as it should be is not known: it cannot be looked at any more")
	case !still, onlyHere:
		return nil
	}
	return hint.Add(stillDiffers(now), "run it with -v for the commands")
}

func stillDiffers(now reconcile.Difference) error {
	switch {
	case now.Live == nil:
		return errors.New("is still not here")
	case now.Manifest == nil:
		return errors.New("is still here")
	}
	return errors.New("is still not as it should be: " + describe(now.Live, now.Manifest))
}

// merged returns the keys of the items that were merged.
func merged(items []item) map[string][]string {
	keys := map[string][]string{}
	for _, i := range items {
		if i.op != "" && i.err == nil && i.Case == reconcile.CaseMerge {
			keys[i.domain] = append(keys[i.domain], i.Key)
		}
	}
	return keys
}
