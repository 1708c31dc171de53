package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/live"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
	"bkt/internal/ui"
)

// domainArgs are the domains that a command is about.
type domainArgs struct {
	Domains []string `arg:"" optional:"" name:"domain" help:"Domain, e.g. flatpak-apps, or flatpak for all that begin with it (default: all)."`
}

// liveFlags are those of capture and apply.
type liveFlags struct {
	ui.Mode
	domainArgs
	Yes  bool   `short:"y" help:"Do not ask for confirmation."`
	Pick bool   `short:"i" name:"interactive" help:"Select items interactively."`
	Take string `enum:"live,manifest," default:"" placeholder:"SIDE" help:"Which side wins a conflict: live (this system) or manifest."`
}

// A system is a live.System that commands of this package add methods to.
type system struct{ live.System }

func thisSystem() (system, error) {
	s, err := live.Find()
	return system{s}, err
}

func thisDesktop() (system, error) {
	s, err := live.FindDesktop()
	return system{s}, err
}

// begin locks the repository and looks at the domains. end finishes the work: unless
// the command only prints what would change, it keeps what was looked up for later
// commands.
func (a *app) begin(ctx context.Context, s system, f liveFlags) (domains []*live.Domain, end func(), err error) {
	if err := s.CheckNames(f.Domains); err != nil {
		return nil, nil, err
	}
	unlock, err := a.lock(ctx, s.Repo, f.Mode)
	if err != nil {
		return nil, nil, err
	}
	domains, err = s.Look(ctx, f.Domains)
	if err != nil {
		unlock()
		return nil, nil, err
	}
	return domains, func() {
		if !f.Preview() {
			s.Cache.Save()
		}
		unlock()
	}, nil
}

// problems returns the problems of domains, and mentions with -v those that do not
// matter.
func (a *app) problems(domains []*live.Domain) error {
	for _, d := range domains {
		if a.Verbose && d.IsUnavailable() && !d.Needed {
			a.Note("%s: unavailable: %v", d.Name(), d.Err)
		}
	}
	return live.Problems(domains)
}

// refusals joins the errors of items.
func (a *app) refusals(items []live.Item) error { return live.Refusals(items, a.maxNamed()) }

// maxNamed returns how many items a note names.
func (a *app) maxNamed() int {
	if a.Verbose {
		return math.MaxInt
	}
	return 3
}

// printPreview prints what would change. For --check, changes are an error.
func (a *app) printPreview(domains []*live.Domain, items []live.Item, to live.Direction, p plan.Plan, m ui.Mode) error {
	if err := a.printOutcome(domains, items, to); err != nil {
		return err
	}
	if a.Verbose && !a.JSON {
		if err := a.printSteps(p); err != nil {
			return err
		}
	}
	a.printNotes(domains, items)
	if m.Check && len(p) > 0 {
		return ui.ErrPending
	}
	return nil
}

// printResult prints what has changed.
func (a *app) printResult(domains []*live.Domain, items []live.Item, to live.Direction, p plan.Plan) error {
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
	a.printNotes(domains, items)
	return nil
}

func (a *app) printOutcome(domains []*live.Domain, items []live.Item, to live.Direction) error {
	switch {
	case a.JSON:
		return a.PrintJSON(asDomainsJSON(domains, items))
	case live.Changing(items):
		return a.printItems(items, to)
	case a.Quiet:
		return nil
	}
	_, err := fmt.Fprintln(a.Out, "nothing to do")
	return err
}

// printItems prints items that change, below the names of their domains. Failures are
// printed as errors instead.
func (a *app) printItems(items []live.Item, to live.Direction) error {
	return a.printLines(items, func(i live.Item) string {
		if i.Op == "" || i.Result == live.Failed {
			return ""
		}
		return a.Paint(a.Out, colourOfOp(i.Op), i.Line(to))
	})
}

// printLines prints a line for each item that has one, below the name of its domain.
func (a *app) printLines(items []live.Item, line func(live.Item) string) error {
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
	_, err := a.Out.Write([]byte(out.String()))
	return err
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

// printSteps prints commands and the differences in files.
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

// printNotes says what else users should know about items and domains.
func (a *app) printNotes(domains []*live.Domain, items []live.Item) {
	a.notes(live.Notes(items, a.maxNamed(), live.Remedy))
	a.notes(live.DomainNotes(domains))
}

func (a *app) notes(lines []string) {
	for _, line := range lines {
		a.Note("%s", line)
	}
}

// learnPackages asks running containers for the packages that were installed by hand.
func (a *app) learnPackages(ctx context.Context, s system, asked []string) error {
	notes, err := s.LearnPackages(ctx, asked)
	a.notes(notes)
	return err
}

// showProgress returns what prints the progress of an apply.
func (a *app) showProgress() func(live.Event) {
	return func(e live.Event) {
		switch {
		case e.Applied != nil:
			a.Note("%s: %s %s", e.Applied.Domain.Name(), e.Applied.Op, e.Applied.MaskedKey())
		case !a.Quiet:
			a.announce(e.Starting)
		}
	}
}

// announce prints what is executed next.
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
	a.Note("%s: applying %s", p[0].Domain, live.Amount(len(targets)))
}

// smallDownload is how many bytes arrive before anyone could read how many have.
const smallDownload = 8 << 20

// downloads returns what prints each quarter of a download.
func (a *app) downloads() host.Progress {
	printed := map[string]int64{}
	return func(name string, done, total int64) {
		if total < smallDownload || a.Quiet {
			return
		}
		if quarter := done * 4 / total; quarter != printed[name] && quarter < 4 {
			printed[name] = quarter
			a.Note("%s: %d%% of %d MB", name, 25*quarter, total>>20)
		}
	}
}

// domainsJSON is the output of --json. Version increases when a field changes its
// meaning or is removed.
type domainsJSON struct {
	Version int          `json:"version"`
	Domains []domainJSON `json:"domains"`
}

type domainJSON struct {
	Name   string     `json:"name"`
	State  string     `json:"state"` // "in step", "differs" or "unavailable"
	Reason string     `json:"reason,omitempty"`
	InStep int        `json:"in_step"`
	Notes  []string   `json:"notes,omitempty"`
	Items  []itemJSON `json:"items"`
}

type itemJSON struct {
	Key      string          `json:"key"`
	Case     reconcile.Case  `json:"case"`
	Op       plan.Op         `json:"op,omitempty"`
	Base     json.RawMessage `json:"base,omitempty"`
	Live     json.RawMessage `json:"live,omitempty"`
	Manifest json.RawMessage `json:"manifest,omitempty"`
	Result   live.Result     `json:"result,omitempty"`
	Error    string          `json:"error,omitempty"`
}

func asDomainsJSON(domains []*live.Domain, items []live.Item) domainsJSON {
	j := domainsJSON{Version: 1, Domains: []domainJSON{}}
	of := map[*live.Domain][]itemJSON{}
	for _, i := range items {
		of[i.Domain] = append(of[i.Domain], asItemJSON(i))
	}
	for _, d := range domains {
		j.Domains = append(j.Domains, asDomainJSON(d, of[d]))
	}
	return j
}

func asDomainJSON(d *live.Domain, items []itemJSON) domainJSON {
	j := domainJSON{Name: d.Name(), State: "in step", Items: []itemJSON{}}
	switch {
	case d.Err != nil:
		j.State, j.Reason = "unavailable", d.Err.Error()
		return j
	case len(items) > 0:
		j.State, j.Items = "differs", items
	}
	j.InStep, j.Notes = d.Comparison.InStep(), d.Comparison.Notes()
	return j
}

func asItemJSON(i live.Item) itemJSON {
	d := live.MaskDifference(i.Difference)
	j := itemJSON{d.Key, d.Case, i.Op, d.Base, d.Live, d.Manifest, i.Result, ""}
	if i.Err != nil {
		j.Error = i.Err.Error()
	}
	return j
}

// errNoTerminal returns the error of what, which needs a terminal.
func errNoTerminal(what, instead string) error {
	return hint.Add(errors.New(what+" needs a terminal"), "%s", instead)
}
