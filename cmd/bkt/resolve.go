package main

import (
	"context"
	"errors"
	"os"

	"bkt/internal/host"
	"bkt/internal/live"
	"bkt/internal/printable"
	"bkt/internal/ui"
	"bkt/internal/verdict"

	"charm.land/huh/v2"
)

type resolveCmd struct {
	domainArgs
	mergeArgs
}

// Run asks about each difference, and executes the decisions. Conflicts of git's merges come
// first: nothing else can be done before.
func (c *resolveCmd) Run(ctx context.Context, a *app) error {
	if merging, err := c.decide(ctx, a); merging || err != nil {
		return err
	}
	if !ui.Interactive() {
		return errNoTerminal("drift resolve", `use "bkt capture" to accept what changed on this system, "bkt apply --restore" to undo it, and "bkt apply" for what changed in the manifests; add DOMAIN:KEY for single items, and --take for conflicts`)
	}
	s, err := a.findDesktop(c.placeFlags)
	if err != nil {
		return err
	}
	domains, end, err := a.begin(ctx, s, liveFlags{domainArgs: c.domainArgs})
	if err != nil {
		return err
	}
	defer end()
	items := live.Items(domains, nil)
	v, err := verdict.Ask(items, func(q verdict.Question) (verdict.Verdict, error) { return a.askVerdict(ctx, q) })
	if err != nil {
		return err
	}
	return errors.Join(a.resolve(ctx, s, domains, items, v), a.problems(domains))
}

// resolve executes the decisions: it ignores first, then captures, and applies last.
func (a *app) resolve(ctx context.Context, s live.System, domains []*live.Domain, items []live.Item, v verdict.Verdicts) error {
	p, err := s.Ignore(v.Choose(items, verdict.Ignore))
	if err != nil {
		return err
	}
	if err := (host.Executor{}).Execute(ctx, p, nil); err != nil {
		return err
	}
	toCapture := live.Items(domains, v.Decide(verdict.Capture, live.ToManifest))
	if err := a.askSecrets(ctx, toCapture, liveFlags{}); err != nil {
		return err
	}
	if err := a.capture(ctx, s, domains, toCapture, liveFlags{Yes: true}); err != nil {
		return err
	}
	domains, err = s.LookAgain(ctx, domains)
	if err != nil {
		return err
	}
	toApply := live.Items(domains, v.Decide(verdict.Apply, live.ToSystem))
	err = a.apply(ctx, s, domains, toApply, liveFlags{})
	return errors.Join(err, a.refusals(toApply))
}

// askVerdict asks a question on the terminal.
func (a *app) askVerdict(ctx context.Context, q verdict.Question) (verdict.Verdict, error) {
	var options []huh.Option[verdict.Verdict]
	for _, o := range q.Options {
		options = append(options, huh.NewOption(printable.Escape(string(o.Verdict)+": "+o.Effect), o.Verdict))
	}
	v := q.Answer
	field := huh.NewSelect[verdict.Verdict]().Title(printable.Escape(q.Title)).Description(printable.Escape(q.About)).Options(options...).Value(&v)
	err := a.runForm(ctx, os.Stdin, field)
	return v, err
}
