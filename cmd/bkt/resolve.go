package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"bkt/internal/host"
	"bkt/internal/live"
	"bkt/internal/printable"
	"bkt/internal/reconcile"
	"bkt/internal/ui"

	"charm.land/huh/v2"
)

// A verdict is a user's decision about a difference.
type verdict string

const (
	verdictCapture verdict = "capture"
	verdictApply   verdict = "apply"
	verdictIgnore  verdict = "ignore"
	verdictSkip    verdict = "skip"
)

type resolveCmd struct{ domainArgs }

// Run asks about each difference, and executes the decisions.
func (c *resolveCmd) Run(ctx context.Context, a *app) error {
	if !ui.Interactive() {
		return errNoTerminal("drift resolve", "use \"bkt capture\" and \"bkt apply\" with --take live or --take manifest")
	}
	s, err := live.FindDesktop(a.links)
	if err != nil {
		return err
	}
	domains, end, err := a.begin(ctx, s, liveFlags{domainArgs: c.domainArgs})
	if err != nil {
		return err
	}
	defer end()
	items := live.Items(domains, nil)
	v, err := a.askVerdicts(ctx, items)
	if err != nil {
		return err
	}
	return errors.Join(a.resolve(ctx, s, domains, items, v, c.Domains), a.problems(domains))
}

// resolve executes the decisions: it ignores first, then captures, and applies last.
func (a *app) resolve(ctx context.Context, s live.System, domains []*live.Domain, items []live.Item, v verdicts, asked []string) error {
	p, err := s.Ignore(v.choose(items, verdictIgnore))
	if err != nil {
		return err
	}
	if err := (host.Executor{}).Execute(ctx, p, nil); err != nil {
		return err
	}
	toCapture := live.Items(domains, v.decide(verdictCapture, live.ToManifest))
	if err := a.askSecrets(ctx, toCapture, liveFlags{}); err != nil {
		return err
	}
	if err := a.capture(ctx, s, domains, toCapture, liveFlags{Yes: true}); err != nil {
		return err
	}
	domains, err = s.Look(ctx, asked)
	if err != nil {
		return err
	}
	toApply := live.Items(domains, v.decide(verdictApply, live.ToSystem))
	err = a.apply(ctx, s, domains, toApply, liveFlags{})
	return errors.Join(err, a.refusals(toApply))
}

// verdicts has the decision on each item.
type verdicts map[itemName]verdict

// An itemName names an item from one look to the next.
type itemName struct{ domain, key string }

func nameOf(i live.Item) itemName { return itemName{i.Domain.Name(), i.Key} }

func (a *app) askVerdicts(ctx context.Context, items []live.Item) (verdicts, error) {
	all := verdicts{}
	for n, i := range items {
		v := verdictSkip
		field := huh.NewSelect[verdict]().
			Title(printable.Escape(fmt.Sprintf("%d of %d: %s %s", n+1, len(items), i.Domain.Name(), i.MaskedKey()))).
			Description(printable.Escape(live.Explain(i.Difference))).Options(verdictsOn(i)...).Value(&v)
		if err := a.runForm(ctx, os.Stdin, field); err != nil {
			return nil, err
		}
		all[nameOf(i)] = v
	}
	return all, nil
}

// verdictsOn returns the possible decisions about an item. An item that cannot be
// captured can still be applied.
func verdictsOn(i live.Item) []huh.Option[verdict] {
	options := []huh.Option[verdict]{huh.NewOption("skip: change nothing", verdictSkip)}
	if i.Case != reconcile.CaseUncapturable && i.Case != reconcile.CaseBroken {
		options = append(options, huh.NewOption("capture: change the manifest", verdictCapture))
	}
	return append(options,
		huh.NewOption("apply: change this system", verdictApply),
		huh.NewOption("ignore: never report it again", verdictIgnore))
}

// choose returns the items with one decision.
func (all verdicts) choose(items []live.Item, v verdict) []live.Item {
	var chosen []live.Item
	for _, i := range items {
		if all[nameOf(i)] == v {
			chosen = append(chosen, i)
		}
	}
	return chosen
}

// decide changes the items with one decision, and no others.
func (all verdicts) decide(v verdict, to live.Direction) func(*live.Item) {
	return func(i *live.Item) {
		if all[nameOf(*i)] == v {
			i.Op = to.Op(i.Difference)
		}
	}
}
