// Package verdict has the questions that let a user decide about each difference, and the
// decisions. It prints nothing: callers ask the questions.
package verdict

import (
	"cmp"
	"fmt"

	"bkt/internal/live"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// A Verdict is a user's decision about a difference, or about how to go on with the
// questions.
type Verdict string

// The verdicts.
const (
	Skip    Verdict = "skip"
	Capture Verdict = "capture"
	Apply   Verdict = "apply"
	Ignore  Verdict = "ignore"
	Back    Verdict = "back"
	All     Verdict = "all remaining"
)

// Verdicts has the decision on each item.
type Verdicts map[itemName]Verdict

// An itemName names an item from one look to the next.
type itemName struct{ domain, key string }

func nameOf(i live.Item) itemName { return itemName{i.Domain.Name(), i.Key} }

// A Question has possible answers, each with its effect. Answer is the one that is selected
// at first.
type Question struct {
	Title, About string
	Options      []Option
	Answer       Verdict
}

// An Option is a possible answer to a question.
type Option struct {
	Verdict Verdict
	Effect  string
}

// Ask asks about each item. An error of ask ends it.
func Ask(items []live.Item, ask func(Question) (Verdict, error)) (Verdicts, error) {
	all := Verdicts{}
	for n := 0; n < len(items); {
		v, err := ask(questionAbout(items, n, all[nameOf(items[n])]))
		rest := 1
		if v == All && err == nil {
			rest = len(items) - n
			v, err = ask(questionAboutAll(items[n:]))
		}
		switch {
		case err != nil:
			return nil, err
		case v == Back && rest > 1: // to the question about this item
		case v == Back:
			n--
		default:
			all.set(items[n:n+rest], v)
			n += rest
		}
	}
	return all, nil
}

// set decides about items. An item for which v is not possible is skipped.
func (all Verdicts) set(items []live.Item, v Verdict) {
	for _, i := range items {
		all[nameOf(i)] = Skip
		for _, o := range optionsFor(i) {
			if o.Verdict == v {
				all[nameOf(i)] = v
			}
		}
	}
}

// questionAbout returns the question about the item with this index; was is its answer
// so far.
func questionAbout(items []live.Item, n int, was Verdict) Question {
	i := items[n]
	q := Question{
		Title:   fmt.Sprintf("%d of %d: %s %s", n+1, len(items), i.Domain.Name(), i.MaskedKey()),
		About:   live.Explain(i.Difference),
		Options: optionsFor(i),
		Answer:  cmp.Or(was, Skip),
	}
	if n > 0 {
		q.Options = append(q.Options, Option{Back, "to the previous question"})
	}
	if n+1 < len(items) {
		q.Options = append(q.Options, Option{All, "one answer for this and all other remaining differences"})
	}
	return q
}

// optionsFor returns the possible decisions about an item.
func optionsFor(i live.Item) []Option {
	options := []Option{{Skip, "change nothing"}}
	if i.CanCapture() {
		options = append(options, Option{Capture, effectOn(i, live.ToManifest, "the manifest")})
	}
	if i.CanApply() {
		options = append(options, Option{Apply, effectOn(i, live.ToSystem, "this system")})
	}
	return append(options, Option{Ignore, "never report it again"})
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
func questionAboutAll(items []live.Item) Question {
	manifests, system := effectsOn(items, live.ToManifest), effectsOn(items, live.ToSystem)
	return Question{
		Title: fmt.Sprintf("All %d remaining differences", len(items)),
		About: "what cannot be captured or applied is skipped",
		Options: []Option{
			{Skip, "change nothing"},
			{Capture, "change the manifests" + manifests},
			{Apply, "change this system" + system},
			{Ignore, "never report them again"},
			{Back, "to the previous question"},
		},
		Answer: Skip,
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

// Choose returns the items with one decision.
func (all Verdicts) Choose(items []live.Item, v Verdict) []live.Item {
	var chosen []live.Item
	for _, i := range items {
		if all[nameOf(i)] == v {
			chosen = append(chosen, i)
		}
	}
	return chosen
}

// Decide changes the items with one decision, and no others.
func (all Verdicts) Decide(v Verdict, to live.Direction) func(*live.Item) {
	return func(i *live.Item) {
		if all[nameOf(*i)] == v {
			i.Op = to.Op(i.Difference)
		}
	}
}
