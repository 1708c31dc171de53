package main

import (
	"context"
	"errors"
	"fmt"

	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
	"bkt/internal/ui"
	"bkt/internal/workspace"
)

// tierTwoFlags are those of the commands that go between system and manifests.
type tierTwoFlags struct {
	ui.Mode
	domainArgs
	Yes  bool   `short:"y" help:"Do not ask."`
	Pick bool   `short:"i" name:"interactive" help:"Pick the items on the terminal."`
	Take string `enum:"live,manifest," default:"" placeholder:"SIDE" help:"Settle conflicts: live or manifest."`
}

type captureCmd struct {
	tierTwoFlags
}

// Run makes the manifests say what the system has.
func (c *captureCmd) Run(ctx context.Context, a *app) error {
	s, err := thisDesktop()
	if err != nil {
		return err
	}
	if err := a.learnPackages(ctx, s, c.Domains); err != nil {
		return err
	}
	domains, end, err := a.beginAt(ctx, s, c.tierTwoFlags)
	if err != nil {
		return err
	}
	defer end()
	items := each(domains, func(i *item) { c.decide(i) })
	if err := a.pick(ctx, c.Pick, "Capture", items, capturing); err != nil {
		return err
	}
	if !c.Pick {
		if err := a.askSecrets(items, c.Mode, c.Yes); err != nil {
			return err
		}
	}
	err = a.capture(ctx, s, domains, items, c.Mode, c.Yes)
	return errors.Join(err, a.refusals(items), a.troubles(domains))
}

// decide decides what is done about an item.
func (c *captureCmd) decide(i *item) {
	switch i.Case {
	case reconcile.CaseLive, reconcile.CaseNew, reconcile.CaseNoBase, reconcile.CaseMerge:
		i.op = direction(capturing).op(i.Difference)
	case reconcile.CaseConflict:
		settleConflict(i, c.Take, "live", capturing)
	case reconcile.CaseUncapturable:
		i.result, i.err = resultRefused, hint.Add(withoutSecret(i.Why), "to leave it out from now on, write %q into %s", i.domain+":"+i.shown(), workspace.IgnoreFile)
	default:
		i.result = resultKept
	}
}

// settleConflict decides about an item that was changed on both sides: side is
// the one that the command takes.
func settleConflict(i *item, take, side string, to direction) {
	switch take {
	case side:
		i.op = to.op(i.Difference)
	case "":
		i.result = resultRefused
		i.err = hint.Add(errors.New(inWords(i.Difference)),
			"see it with \"bkt drift\", and settle it with \"bkt drift resolve\", --take live or --take manifest")
	default:
		i.result = resultKept
	}
}

// capture carries out what was decided about items, and prints it.
func (a *app) capture(ctx context.Context, s system, domains []domain, items []item, m ui.Mode, yes bool) error {
	edits, err := captured(s, domains, items)
	if err != nil {
		return err
	}
	p, err := s.rewrites(edits)
	if err != nil {
		return err
	}
	if m.DryRun || m.Check {
		return a.pending(domains, items, capturing, p, m)
	}
	if err := a.guard(domains, items, yes); err != nil {
		return err
	}
	if err := (host.Executor{}).Execute(ctx, p, func(plan.Change, error) {}); err != nil {
		return err
	}
	mark(items, resultCaptured)
	err = settle(ctx, domains, keysByDomain(items), nil)
	return errors.Join(a.finished(domains, items, capturing, p), err)
}

// captured returns the repository as it will be.
func captured(s system, domains []domain, items []item) (*reconcile.Edits, error) {
	edits := reconcile.NewEdits(s.Repo.FS())
	keys := keysByDomain(items)
	for _, d := range domains {
		if d.comparison == nil || len(keys[d.name()]) == 0 {
			continue
		}
		if err := d.comparison.Capture(edits, keys[d.name()]); err != nil {
			return nil, patherr.Trim(err)
		}
	}
	return edits, nil
}

// rewrites is the plan that writes what was edited.
func (s system) rewrites(edits *reconcile.Edits) (plan.Plan, error) {
	var p plan.Plan
	for _, name := range edits.Names() {
		text, err := edits.ReadFile(name)
		if err != nil {
			return nil, err
		}
		p = append(p, plan.Rewrite(s.Repo.Path(name), name, edits.Before(name), text)...)
	}
	return p, nil
}

// A capture that removes more than this, and more than one in manyParts of a
// domain, is asked about: it may be the system that is wrong.
const (
	manyRemovals = 5
	manyParts    = 5
)

// guard asks about removals that are so many that they may not be meant.
func (a *app) guard(domains []domain, items []item, yes bool) error {
	if yes {
		return nil
	}
	for _, d := range domains {
		if what := d.tooMany(items); what != "" {
			if err := a.Confirm(what); err != nil {
				return err
			}
		}
	}
	return nil
}

// tooMany says what would be removed from the manifest if that may not be meant.
func (d domain) tooMany(items []item) string {
	if d.comparison == nil {
		return ""
	}
	removed, added := count(items, d.name(), plan.Remove), count(items, d.name(), plan.Add)
	total := d.comparison.Total()
	many := removed > manyRemovals && removed*manyParts > total
	if removed == 0 || !many && total-removed+added > 0 {
		return ""
	}
	return fmt.Sprintf("remove %d of %d items of %s from the manifest", removed, total, d.name())
}

func count(items []item, domain string, op plan.Op) int {
	n := 0
	for _, i := range items {
		if i.domain == domain && i.op == op {
			n++
		}
	}
	return n
}
