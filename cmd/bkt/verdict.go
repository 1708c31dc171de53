package main

import (
	"cmp"
	"fmt"

	"bkt/internal/live"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// A verdict is a user's decision about a difference, or about how to go on with the
// questions.
type verdict string

const (
	verdictSkip    verdict = "skip"
	verdictCapture verdict = "capture"
	verdictApply   verdict = "apply"
	verdictIgnore  verdict = "ignore"
	verdictBack    verdict = "back"
	verdictAll     verdict = "all remaining"
)

// verdicts has the decision on each item.
type verdicts map[itemName]verdict

// An itemName names an item from one look to the next.
type itemName struct{ domain, key string }

func nameOf(i live.Item) itemName { return itemName{i.Domain.Name(), i.Key} }

// A driftQuestion has possible verdicts, each with its effect. answer is the one that is
// selected at first.
type driftQuestion struct {
	title, about string
	options      []option
	answer       verdict
}

type option struct {
	verdict verdict
	effect  string
}

// askVerdicts asks about each item.
func askVerdicts(items []live.Item, ask func(driftQuestion) (verdict, error)) (verdicts, error) {
	all := verdicts{}
	for n := 0; n < len(items); {
		v, err := ask(questionAbout(items, n, all[nameOf(items[n])]))
		rest := 1
		if v == verdictAll && err == nil {
			rest = len(items) - n
			v, err = ask(questionAboutAll(items[n:]))
		}
		switch {
		case err != nil:
			return nil, err
		case v == verdictBack && rest > 1: // to the question about this item
		case v == verdictBack:
			n--
		default:
			all.set(items[n:n+rest], v)
			n += rest
		}
	}
	return all, nil
}

// set decides about items. An item for which v is not possible is skipped.
func (all verdicts) set(items []live.Item, v verdict) {
	for _, i := range items {
		all[nameOf(i)] = verdictSkip
		for _, o := range optionsFor(i) {
			if o.verdict == v {
				all[nameOf(i)] = v
			}
		}
	}
}

// questionAbout returns the question about the item with this index; was is its answer
// so far.
func questionAbout(items []live.Item, n int, was verdict) driftQuestion {
	i := items[n]
	q := driftQuestion{
		title:   fmt.Sprintf("%d of %d: %s %s", n+1, len(items), i.Domain.Name(), i.MaskedKey()),
		about:   live.Explain(i.Difference),
		options: optionsFor(i),
		answer:  cmp.Or(was, verdictSkip),
	}
	if n > 0 {
		q.options = append(q.options, option{verdictBack, "to the previous question"})
	}
	if n+1 < len(items) {
		q.options = append(q.options, option{verdictAll, "one answer for this and all other remaining differences"})
	}
	return q
}

// optionsFor returns the possible decisions about an item.
func optionsFor(i live.Item) []option {
	options := []option{{verdictSkip, "change nothing"}}
	if i.CanCapture() {
		options = append(options, option{verdictCapture, effectOn(i, live.ToManifest, "the manifest")})
	}
	if i.CanApply() {
		options = append(options, option{verdictApply, effectOn(i, live.ToSystem, "this system")})
	}
	return append(options, option{verdictIgnore, "never report it again"})
}

// effectOn says what a decision does to an item in a place.
func effectOn(i live.Item, to live.Direction, place string) string {
	switch to.Op(i.Difference) {
	case plan.Add:
		return "add it to " + place
	case plan.Remove:
		return "remove it from " + place
	}
	if i.Case == reconcile.CaseBroken {
		return "repair it on " + place
	}
	return "change " + place
}

// questionAboutAll returns the question about all these items.
func questionAboutAll(items []live.Item) driftQuestion {
	manifests, system := effectsOn(items, live.ToManifest), effectsOn(items, live.ToSystem)
	return driftQuestion{
		title: fmt.Sprintf("All %d remaining differences", len(items)),
		about: "what cannot be captured or applied is skipped",
		options: []option{
			{verdictSkip, "change nothing"},
			{verdictCapture, "change the manifests" + manifests},
			{verdictApply, "change this system" + system},
			{verdictIgnore, "never report them again"},
			{verdictBack, "to the previous question"},
		},
		answer: verdictSkip,
	}
}

// effectsOn says how many items a decision about all of them removes.
func effectsOn(items []live.Item, to live.Direction) string {
	removed := 0
	for _, i := range items {
		possible := to == live.ToManifest && i.CanCapture() || to == live.ToSystem && i.CanApply()
		if possible && to.Op(i.Difference) == plan.Remove {
			removed++
		}
	}
	if removed == 0 {
		return ""
	}
	return ", which removes " + live.Amount(removed)
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
