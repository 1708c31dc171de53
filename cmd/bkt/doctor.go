package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"bkt/internal/engine/contract"
	"bkt/internal/engineclient"
	"bkt/internal/hint"
	"bkt/internal/pipeline"
	"bkt/internal/plan"
	"bkt/internal/ui"
	"bkt/internal/version"
)

type doctorCmd struct {
	ui.Mode
	Fix    bool   `help:"Mend what can be mended without losing anything."`
	Engine string `placeholder:"ADDRESS" help:"Look at this BuildKit, as bkt build has it ($BUILDKIT_HOST, or auto)."`
	TLSDir string `name:"tlsdir" type:"existingdir" placeholder:"DIR" help:"Speak to a tcp:// engine with ca.pem, cert.pem and key.pem in DIR."`
}

// Run says which engines there are, which of them a build would use, and what
// the others lack, and what else is wrong. It is an error that there is none, or
// that something is.
func (c *doctorCmd) Run(ctx context.Context, a *app) error {
	ailments, err := examine(ctx)
	if err != nil {
		return err
	}
	if c.Fix || c.Check || c.DryRun {
		return a.mend(ctx, ailments, c.Mode)
	}
	cfg := pipeline.FindEngine()
	cfg.Address, cfg.TLS = cmp.Or(c.Engine, cfg.Address), c.TLSDir
	if err := pipeline.CheckTLS(cfg, nil); err != nil {
		return err
	}
	d := diagnosis{program: cfg.Program, rungs: engineclient.Candidates(ctx, cfg), ailments: ailments}
	d.needs, d.needsErr = engineclient.ReadNeeds(ctx, cfg)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := a.printDiagnosis(d); err != nil {
		return err
	}
	if d.used() < 0 || len(ailments) > 0 {
		return exited(1)
	}
	return nil
}

// mend carries out what mends the ailments, and says what the user has to. Where
// m says so, it says what it would do.
func (a *app) mend(ctx context.Context, ailments []ailment, m ui.Mode) error {
	var p plan.Plan
	for _, one := range ailments {
		p = append(p, one.mend...)
		switch {
		case one.unchecked:
			a.Warn([]error{fmt.Errorf("%s: %w", one.name, one.err)})
		case one.mend == nil:
			a.Warn([]error{one.err})
		}
	}
	return a.finishSteps(ctx, p, m)
}

// diagnosis is what the doctor has found.
type diagnosis struct {
	ailments []ailment
	program  string // bkt-engine
	needs    contract.Needs
	needsErr error // why the program could not be asked
	rungs    []engineclient.Candidate
}

// used returns the number of the rung that a build would use, or -1.
func (d diagnosis) used() int {
	for i, r := range d.rungs {
		if r.Err == nil {
			return i
		}
	}
	return -1
}

func (a *app) printDiagnosis(d diagnosis) error {
	if a.JSON {
		return a.PrintJSON(d.asJSON())
	}
	_, err := io.WriteString(a.Out, d.text())
	return err
}

// text is the diagnosis for people: a line for each thing, with what to do
// about it below.
func (d diagnosis) text() string {
	var text strings.Builder
	line(&text, "bkt", version.String(), nil)
	engine := ""
	if d.needsErr == nil {
		engine = d.needs.Version + ", " + d.program
	}
	line(&text, "bkt-engine", engine, d.needsErr)
	for _, n := range d.needs.All {
		line(&text, n.Name, n.Found, n.Err)
	}
	fmt.Fprintln(&text)
	for i, r := range d.rungs {
		line(&text, d.verdict(i), r.Name, nil)
		if r.Err != nil {
			line(&text, "", "", r.Err)
		}
	}
	if len(d.ailments) > 0 {
		fmt.Fprintln(&text)
	}
	for _, one := range d.ailments {
		line(&text, one.name, "", one.hinted())
	}
	return text.String()
}

// verdict says in a word what becomes of a rung.
func (d diagnosis) verdict(i int) string {
	switch {
	case i == d.used():
		return "used"
	case d.rungs[i].Err == nil:
		return "usable"
	}
	return "no"
}

// line writes what there is of a thing, or what is wrong with it.
func line(w io.Writer, name, found string, err error) {
	if err == nil {
		fmt.Fprintf(w, "%-12s %s\n", name, found)
	}
	for _, e := range hint.Split(err) {
		fmt.Fprintf(w, "%-12s %v\n", name, e)
		for _, h := range hint.Of(e) {
			fmt.Fprintf(w, "%-12s hint: %s\n", "", h)
		}
		name = ""
	}
}

// doctorJSON is the output of doctor --json.
type doctorJSON struct {
	Version int           `json:"version"`
	Bkt     string        `json:"bkt"`
	Program doctorProgram `json:"program"`
	Engines []doctorRung  `json:"engines"`

	Findings []doctorFinding `json:"findings"`
}

// doctorFinding is something that is wrong.
type doctorFinding struct {
	Name    string   `json:"name"`
	Message string   `json:"message"`
	Hints   []string `json:"hints,omitempty"`
	Fixable bool     `json:"fixable"`
}

// doctorProgram is bkt-engine, and what it needs.
type doctorProgram struct {
	Path    string        `json:"path,omitempty"`
	Version string        `json:"version,omitempty"`
	Errors  []doctorError `json:"errors,omitempty"`
	Needs   []doctorNeed  `json:"needs"`
}

type doctorNeed struct {
	Name   string        `json:"name"`
	Found  string        `json:"found,omitempty"`
	Errors []doctorError `json:"errors,omitempty"`
}

type doctorRung struct {
	Name    string        `json:"name"`
	Address string        `json:"address,omitempty"`
	Usable  bool          `json:"usable"`
	Used    bool          `json:"used"`
	Errors  []doctorError `json:"errors,omitempty"`
}

type doctorError struct {
	Message string   `json:"message"`
	Hints   []string `json:"hints,omitempty"`
}

func (d diagnosis) asJSON() doctorJSON {
	j := doctorJSON{Version: 1, Bkt: version.String(), Engines: []doctorRung{}, Findings: []doctorFinding{}}
	for _, one := range d.ailments {
		err := one.hinted()
		j.Findings = append(j.Findings, doctorFinding{one.name, err.Error(), hint.Of(err), one.mend != nil})
	}
	j.Program = doctorProgram{d.program, d.needs.Version, asErrors(d.needsErr), []doctorNeed{}}
	for _, n := range d.needs.All {
		j.Program.Needs = append(j.Program.Needs, doctorNeed{n.Name, n.Found, asErrors(n.Err)})
	}
	for i, r := range d.rungs {
		j.Engines = append(j.Engines, doctorRung{r.Name, r.Address, r.Err == nil, i == d.used(), asErrors(r.Err)})
	}
	return j
}

func asErrors(err error) []doctorError {
	var all []doctorError
	for _, e := range hint.Split(err) {
		all = append(all, doctorError{e.Error(), hint.Of(e)})
	}
	return all
}
