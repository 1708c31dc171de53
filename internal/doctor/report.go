package doctor

import (
	"context"
	"slices"

	"bkt/internal/engine/contract"
	"bkt/internal/engineclient"
	"bkt/internal/hint"
	"bkt/internal/version"
)

// A Diagnosis is the result of all checks.
type Diagnosis struct {
	Problems []Problem
	Program  string // path of bkt-engine
	Needs    contract.Needs
	NeedsErr error // why the program could not be asked
	Engines  []engineclient.Candidate
}

// Diagnose returns the problems with the engines that a build with cfg could use. The
// error is that of ctx.
func Diagnose(ctx context.Context, problems []Problem, cfg engineclient.Config) (Diagnosis, error) {
	d := Diagnosis{Problems: problems, Program: cfg.Program, Engines: engineclient.Candidates(ctx, cfg)}
	d.Needs, d.NeedsErr = engineclient.ReadNeeds(ctx, cfg)
	return d, context.Cause(ctx)
}

// used returns the index of the engine that a build would use, or -1.
func (d Diagnosis) used() int {
	for i, e := range d.Engines {
		if e.Err == nil {
			return i
		}
	}
	return -1
}

// Healthy reports whether a build has an engine and there are no problems. A note is none.
func (d Diagnosis) Healthy() bool {
	return d.used() >= 0 && !slices.ContainsFunc(d.Problems, func(p Problem) bool { return !p.IsNote() })
}

// A Report is a diagnosis as doctor --json prints it. Version increases when a field
// changes its meaning or is removed.
type Report struct {
	Version int            `json:"version"`
	Bkt     string         `json:"bkt"`
	Program ProgramReport  `json:"program"`
	Engines []EngineReport `json:"engines"`

	Findings []ProblemReport `json:"findings"`
}

// A ProblemReport is a problem.
type ProblemReport struct {
	Name string `json:"name"` // of the check
	ErrorReport
	Fixable bool `json:"fixable"`
	Note    bool `json:"note,omitempty"` // it is no problem
}

// A ProgramReport is bkt-engine, and what it needs.
type ProgramReport struct {
	Path    string        `json:"path,omitempty"`
	Version string        `json:"version,omitempty"`
	Errors  []ErrorReport `json:"errors,omitempty"`
	Needs   []NeedReport  `json:"needs"`
}

// A NeedReport is one thing that bkt-engine needs.
type NeedReport struct {
	Name   string        `json:"name"`
	Found  string        `json:"found,omitempty"`
	Errors []ErrorReport `json:"errors,omitempty"`

	Optional bool `json:"optional,omitempty"` // the engine also works without it
}

// An EngineReport is an engine that a build could use.
type EngineReport struct {
	Name    string        `json:"name"`
	Address string        `json:"address,omitempty"`
	Usable  bool          `json:"usable"`
	Used    bool          `json:"used"`
	Errors  []ErrorReport `json:"errors,omitempty"`
}

// State says in one word whether a build uses the engine.
func (e EngineReport) State() string {
	switch {
	case e.Used:
		return "used"
	case e.Usable:
		return "usable"
	}
	return "no"
}

// An ErrorReport is an error with its hints.
type ErrorReport struct {
	Message string   `json:"message"`
	Hints   []string `json:"hints,omitempty"`
}

// Report returns the diagnosis as it is printed.
func (d Diagnosis) Report() Report {
	r := Report{Version: 1, Bkt: version.String(), Engines: []EngineReport{}, Findings: []ProblemReport{}}
	for _, p := range d.Problems {
		r.Findings = append(r.Findings, ProblemReport{p.Subject, ErrorReport{p.Error(), p.Hints()}, p.Plan != nil, p.IsNote()})
	}
	r.Program = ProgramReport{d.Program, d.Needs.Version, reportErrors(d.NeedsErr), []NeedReport{}}
	for _, n := range d.Needs.All {
		r.Program.Needs = append(r.Program.Needs, NeedReport{n.Name, n.Found, reportErrors(n.Err), n.Optional})
	}
	for i, e := range d.Engines {
		r.Engines = append(r.Engines, EngineReport{e.Name, e.Address, e.Err == nil, i == d.used(), reportErrors(e.Err)})
	}
	return r
}

// reportErrors reports each of joined errors.
func reportErrors(err error) []ErrorReport {
	var all []ErrorReport
	for _, e := range hint.Split(err) {
		all = append(all, ErrorReport{e.Error(), hint.Of(e)})
	}
	return all
}
