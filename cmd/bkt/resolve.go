package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
	"bkt/internal/ui"
	"bkt/internal/workspace"

	"charm.land/huh/v2"
)

// A verdict is what the user wants to be done about a difference.
type verdict string

const (
	verdictCapture verdict = "capture"
	verdictApply   verdict = "apply"
	verdictIgnore  verdict = "ignore"
	verdictSkip    verdict = "skip"
)

type resolveCmd struct{ domainArgs }

// Run asks about each difference, and does then what was decided.
func (c *resolveCmd) Run(ctx context.Context, a *app) error {
	if !ui.Interactive() {
		return hint.Add(errors.New("there is no terminal to decide on"), "use \"bkt capture\" and \"bkt apply\" with --take live or --take manifest")
	}
	s, domains, end, err := a.begin(ctx, tierTwoFlags{domainArgs: c.domainArgs})
	if err != nil {
		return err
	}
	defer end()
	verdicts, err := decideEach(ctx, each(domains, func(*item) {}))
	if err != nil {
		return err
	}
	return errors.Join(a.resolve(ctx, s, domains, verdicts), a.troubles(domains))
}

// resolve does what was decided: what is ignored first, and what is captured
// before what is applied.
func (a *app) resolve(ctx context.Context, s system, domains []domain, verdicts map[itemName]verdict) error {
	p, err := s.ignore(verdicts)
	if err != nil {
		return err
	}
	if err := (host.Executor{}).Execute(ctx, p, func(plan.Change, error) {}); err != nil {
		return err
	}
	toCapture := each(domains, choose(verdicts, verdictCapture, capturing))
	if err := a.askSecrets(toCapture, ui.Mode{}, false); err != nil {
		return err
	}
	if err := a.capture(ctx, s, domains, toCapture, ui.Mode{}, true); err != nil {
		return err
	}
	domains, err = s.look(ctx, namesOf(domains))
	if err != nil {
		return err
	}
	toApply := each(domains, choose(verdicts, verdictApply, applying))
	err = a.apply(ctx, s, domains, toApply, ui.Mode{}, false)
	return errors.Join(err, a.refusals(toApply))
}

// itemName names an item among those of all domains.
type itemName struct{ domain, key string }

func decideEach(ctx context.Context, items []item) (map[itemName]verdict, error) {
	verdicts := map[itemName]verdict{}
	for n, i := range items {
		v := verdictSkip
		field := huh.NewSelect[verdict]().
			Title(fmt.Sprintf("%d of %d: %s %s", n+1, len(items), i.domain, i.shown())).
			Description(inWords(i.Difference)).Options(verdictsOn(i)...).Value(&v)
		if err := interrupted(huh.NewForm(huh.NewGroup(field)).RunWithContext(ctx)); err != nil {
			return nil, err
		}
		verdicts[itemName{i.domain, i.Key}] = v
	}
	return verdicts, nil
}

// verdictsOn returns what can be decided about an item. What no manifest can
// have is not captured.
func verdictsOn(i item) []huh.Option[verdict] {
	options := []huh.Option[verdict]{huh.NewOption("skip: leave it as it is", verdictSkip)}
	if i.Case != reconcile.CaseUncapturable {
		options = append(options, huh.NewOption("capture: the manifest becomes what is here", verdictCapture))
	}
	return append(options,
		huh.NewOption("apply: the system becomes what is declared", verdictApply),
		huh.NewOption("ignore: never mention it again", verdictIgnore))
}

// choose decides to change the items of one verdict, and no others.
func choose(verdicts map[itemName]verdict, v verdict, to direction) func(*item) {
	return func(i *item) {
		if verdicts[itemName{i.domain, i.Key}] == v {
			i.op = to.op(i.Difference)
		}
	}
}

func namesOf(domains []domain) []string {
	var names []string
	for _, d := range domains {
		names = append(names, d.name())
	}
	return names
}

// ignore is the plan that adds what is to be ignored to the file of it.
func (s system) ignore(verdicts map[itemName]verdict) (plan.Plan, error) {
	old, err := fs.ReadFile(s.Repo.FS(), workspace.IgnoreFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, patherr.Trim(err)
	}
	text := string(old)
	if text != "" && text[len(text)-1] != '\n' {
		text += "\n"
	}
	added := false
	for _, line := range ignoredLines(verdicts) {
		text += line + "\n"
		added = true
	}
	if !added {
		return nil, nil
	}
	return plan.Rewrite(s.Repo.Path(workspace.IgnoreFile), workspace.IgnoreFile, old, []byte(text)), nil
}

func ignoredLines(verdicts map[itemName]verdict) []string {
	var lines []string
	for i, v := range verdicts {
		if v == verdictIgnore {
			lines = append(lines, i.domain+":"+shownKey(i.key))
		}
	}
	slices.Sort(lines)
	return lines
}
