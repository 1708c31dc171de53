package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
	"bkt/internal/ui"
)

// begin locks the repository and looks at the domains. What it returns ends the
// work: unless it was only to be shown what would change, what was found out is kept
// for the next command.
func (a *app) begin(ctx context.Context, f tierTwoFlags) (system, []domain, func(), error) {
	s, err := thisDesktop()
	if err != nil {
		return s, nil, nil, err
	}
	domains, end, err := a.beginAt(ctx, s, f)
	return s, domains, end, err
}

// beginAt is [app.begin] for a system that something is known of already.
func (a *app) beginAt(ctx context.Context, s system, f tierTwoFlags) ([]domain, func(), error) {
	if _, err := s.choose(f.Domains); err != nil {
		return nil, nil, err
	}
	unlock, err := a.lock(ctx, s.Repo, f.Mode)
	if err != nil {
		return nil, nil, err
	}
	domains, err := s.look(ctx, f.Domains)
	if err != nil {
		unlock()
		return nil, nil, err
	}
	return domains, func() {
		if !f.DryRun && !f.Check {
			s.cache.Save()
		}
		unlock()
	}, nil
}

// each returns an item for each difference of the domains, in their order, each
// as decide leaves it.
func each(domains []domain, decide func(*item)) []item {
	var items []item
	for _, d := range domains {
		if d.comparison == nil {
			continue
		}
		for _, difference := range d.comparison.Differences() {
			i := item{Difference: difference, domain: d.name()}
			decide(&i)
			items = append(items, i)
		}
	}
	return items
}

// keysByDomain returns the keys of the items that are changed.
func keysByDomain(items []item) map[string][]string {
	keys := map[string][]string{}
	for _, i := range items {
		if i.op != "" {
			keys[i.domain] = append(keys[i.domain], i.Key)
		}
	}
	return keys
}

// mark says of the items that are changed, and of which nothing is known yet,
// what came of them.
func mark(items []item, result string) {
	for n := range items {
		if items[n].op != "" && items[n].result == "" {
			items[n].result = result
		}
	}
}

// refusals are the errors of the items. What is wrong with several is told once.
func (a *app) refusals(items []item) error {
	type same struct{ domain, err string }
	of := func(i item) same { return same{i.domain, strings.Join(append(hint.Of(i.err), i.err.Error()), "\n")} }
	keys := map[same][]string{}
	for _, i := range items {
		if i.err != nil {
			s := of(i)
			keys[s] = append(keys[s], i.shown())
		}
	}
	var errs []error
	for _, i := range items {
		if i.err == nil {
			continue
		}
		s := of(i)
		if keys[s] != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w", i.domain, a.named(keys[s]), i.err))
		}
		delete(keys, s)
	}
	return errors.Join(errs...)
}

// pending prints what would change. That something would is an error of --check.
func (a *app) pending(domains []domain, items []item, to direction, p plan.Plan, m ui.Mode) error {
	if err := a.printOutcome(domains, items, to); err != nil {
		return err
	}
	if a.Verbose && !a.JSON {
		if err := a.printSteps(p); err != nil {
			return err
		}
	}
	a.mentionAll(items)
	a.tellNotes(domains)
	if m.Check && len(p) > 0 {
		return ui.ErrPending
	}
	return nil
}

// finished prints what has changed.
func (a *app) finished(domains []domain, items []item, to direction, p plan.Plan) error {
	if a.Quiet && !a.JSON {
		return nil
	}
	if err := a.printOutcome(domains, items, to); err != nil {
		return err
	}
	if a.Verbose && !a.JSON {
		if err := a.PrintDiffs(p); err != nil {
			return err
		}
	}
	a.mentionAll(items)
	a.tellNotes(domains)
	return nil
}

func (a *app) printOutcome(domains []domain, items []item, to direction) error {
	switch {
	case a.JSON:
		return a.PrintJSON(asDomainsJSON(domains, items))
	case len(keysByDomain(items)) > 0:
		return a.printItems(items, to)
	case a.Quiet:
		return nil
	}
	_, err := fmt.Fprintln(a.Out, "nothing to do")
	return err
}

// printSteps prints the commands that are run, and what is written.
func (a *app) printSteps(p plan.Plan) error {
	for _, c := range p {
		for _, step := range c.Steps {
			if d, ok := step.(interface{ Diff() []byte }); ok {
				if err := a.PrintDiff(d.Diff()); err != nil {
					return err
				}
				continue
			}
			if _, err := fmt.Fprintln(a.Out, "$ "+step.String()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *app) mentionAll(items []item) { a.mention(items, remedy) }

// tellNotes tells what there is to know of domains as a whole.
func (a *app) tellNotes(domains []domain) {
	for _, d := range domains {
		if d.comparison == nil {
			continue
		}
		for _, note := range d.comparison.Notes() {
			a.Note("%s: %s", d.name(), note)
		}
	}
}

// remedy says of an item that is left as it is how it would be changed.
func remedy(i item) string {
	switch {
	case i.result == resultListed, i.result == resultKept && i.Case == reconcile.CaseManifest && i.Manifest == nil:
		return "no longer declared: \"bkt apply --prune\" removes it"
	case i.result != resultKept:
		return ""
	}
	switch i.Case {
	case reconcile.CaseMissing:
		return "declared and not here: \"bkt apply\" adds it"
	case reconcile.CaseManifest:
		return "changed in the manifest: \"bkt apply\" brings it here"
	case reconcile.CaseNew:
		return "new here: \"bkt capture\" takes it into the manifest"
	case reconcile.CaseLive:
		if i.Live == nil {
			return "removed here: \"bkt capture\" takes it out of the manifest"
		}
		return "changed here: \"bkt capture\" takes it into the manifest"
	}
	return "left as it is"
}
