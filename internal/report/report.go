// Package report prints what package live finds and does: as text for users, and as
// JSON for programs.
package report

import (
	"fmt"
	"math"
	"strings"

	"bkt/internal/host"
	"bkt/internal/live"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
	"bkt/internal/ui"
)

// Preview prints the changes of a plan: items, with -v also commands and differences in
// files, and notes. It reports whether there are any, for [ui.Mode.Run].
func Preview(p *ui.Printer, domains []*live.Domain, items []live.Item, to live.Direction, changes plan.Plan) (bool, error) {
	if err := Outcome(p, domains, items, to); err != nil {
		return false, err
	}
	if p.Verbose && !p.JSON {
		if err := p.PrintSteps(changes); err != nil {
			return false, err
		}
	}
	printNotes(p, domains, items)
	return len(changes) > 0, nil
}

// Result prints the changes made: items, with -v also differences in files, and notes.
func Result(p *ui.Printer, domains []*live.Domain, items []live.Item, to live.Direction, changes plan.Plan) error {
	if p.Quiet && !p.JSON {
		return nil
	}
	if err := Outcome(p, domains, items, to); err != nil {
		return err
	}
	if p.Verbose && !p.JSON {
		if err := p.PrintDiffs(changes); err != nil {
			return err
		}
	}
	printNotes(p, domains, items)
	return nil
}

func printNotes(p *ui.Printer, domains []*live.Domain, items []live.Item) {
	Notes(p, live.Notes(items, Limit(p), live.Remedy))
	Notes(p, live.DomainNotes(domains))
}

// Notes prints lines as notes.
func Notes(p *ui.Printer, lines []string) {
	for _, line := range lines {
		p.Note("%s", line)
	}
}

// Unread names the domains, and parts of them, that could not be read, even with --quiet:
// without them, what is printed could mean that nothing differs.
func Unread(p *ui.Printer, domains []*live.Domain) {
	for _, line := range live.UnreadNotes(domains, p.Verbose) {
		fmt.Fprintf(p.Err, "bkt: %s\n", line)
	}
}

// NotCaptured says what a capture saw and did not write: how many by reason, or with -v
// each.
func NotCaptured(p *ui.Printer, domains []*live.Domain, items []live.Item) {
	var counts []string
	for _, c := range live.FindNotCaptured(domains, items) {
		counts = append(counts, fmt.Sprintf("%s (%d)", c.Reason, len(c.What)))
		for _, what := range c.What {
			if p.Verbose {
				p.Note("not captured: %s (%s)", what, c.Reason)
			}
		}
	}
	if len(counts) > 0 && !p.Verbose {
		p.Note("not captured: %s; -v lists them", strings.Join(counts, ", "))
	}
}

// Limit returns how many items a note names.
func Limit(p *ui.Printer) int {
	if p.Verbose {
		return math.MaxInt
	}
	return 3
}

// Outcome prints the items that change.
func Outcome(p *ui.Printer, domains []*live.Domain, items []live.Item, to live.Direction) error {
	switch {
	case p.JSON && to == live.ToManifest:
		return p.PrintJSON(newCapture(domains, items))
	case p.JSON:
		return p.PrintJSON(NewDomains(domains, items))
	case live.Changing(items):
		return printLines(p, items, func(i live.Item) string {
			if i.Op == "" || i.Result == live.Failed { // a failure is printed as an error
				return ""
			}
			return p.Paint(p.Out, colourOfOp(i.Op), i.Line(to))
		})
	}
	return printClear(p, domains, "nothing to do", "nothing to do")
}

// printClear prints that nothing is to be done, or differs, if that is known. Beside a
// problem it is not. If something else could not be read, it is said of the rest.
func printClear(p *ui.Printer, domains []*live.Domain, all, rest string) error {
	switch {
	case p.Quiet, live.Problems(domains) != nil:
		return nil
	case !live.AllRead(domains):
		return p.Print(rest + " in what could be read\n")
	}
	return p.Print(all + "\n")
}

// Drift prints how items differ.
func Drift(p *ui.Printer, domains []*live.Domain, items []live.Item) error {
	switch {
	case p.JSON:
		return p.PrintJSON(NewDomains(domains, items))
	case len(items) == 0:
		return printClear(p, domains, "up to date", "nothing differs")
	}
	return printLines(p, items, func(i live.Item) string {
		return i.MaskedKey() + ": " + p.Paint(p.Out, colourOfCase(i.Case), live.Explain(i.Difference))
	})
}

// printLines prints a line for each item that has one, below the name of its domain.
func printLines(p *ui.Printer, items []live.Item, line func(live.Item) string) error {
	var out strings.Builder
	var last *live.Domain
	for _, i := range items {
		text := line(i)
		if text == "" {
			continue
		}
		if i.Domain != last {
			last = i.Domain
			fmt.Fprintln(&out, i.Domain.Name())
		}
		fmt.Fprintln(&out, "  "+text)
	}
	return p.Print(out.String())
}

func colourOfOp(op plan.Op) string {
	switch op {
	case plan.Add:
		return ui.Green
	case plan.Remove:
		return ui.Red
	}
	return ui.Yellow
}

func colourOfCase(c reconcile.Case) string {
	switch c {
	case reconcile.CaseConflict, reconcile.CaseUncapturable:
		return ui.Red
	case reconcile.CaseLive, reconcile.CaseNew, reconcile.CaseRenamed:
		return ui.Green
	}
	return ui.Yellow
}

// Progress returns a function that prints the progress of [live.Execute].
func Progress(p *ui.Printer) func(live.Event) {
	return func(e live.Event) {
		if e.Applied != nil {
			p.Note("%s: %s %s", e.Applied.Domain.Name(), e.Applied.Op, e.Applied.MaskedKey())
			return
		}
		if p.Verbose {
			for _, c := range e.Starting {
				for _, step := range c.Steps {
					p.Note("$ %v", step)
				}
			}
		}
		p.Note("%s: applying %s", e.Starting[0].Domain, live.Amount(countTargets(e.Starting)))
	}
}

// countTargets returns the number of items that the changes affect.
func countTargets(changes plan.Plan) int {
	targets := map[string]bool{}
	for _, c := range changes {
		for _, t := range c.Targets {
			targets[t] = true
		}
	}
	return len(targets)
}

// smallDownload is a size in bytes: a smaller download is complete before a user could
// read the progress.
const smallDownload = 8 << 20

// Downloads returns a function that prints each quarter of a download.
func Downloads(p *ui.Printer) host.Progress {
	printed := map[string]int64{}
	return func(name string, done, total int64) {
		if total < smallDownload {
			return
		}
		if quarter := done * 4 / total; quarter != printed[name] && quarter < 4 {
			printed[name] = quarter
			p.Note("%s: %d%% of %d MB", name, 25*quarter, total>>20)
		}
	}
}
