package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"bkt/internal/autocapture"
	"bkt/internal/doctor"
	"bkt/internal/host"
	"bkt/internal/pipeline"
	"bkt/internal/plan"
	"bkt/internal/ui"
)

type doctorCmd struct {
	ui.Mode
	placeFlags
	Fix    bool   `help:"Fix what can be fixed safely."`
	Engine string `placeholder:"ADDRESS" help:"Check this BuildKit, as bkt build does (default: $BUILDKIT_HOST, or auto)."`
	TLSDir string `name:"tlsdir" type:"existingdir" placeholder:"DIR" help:"Directory with TLS certificates (ca.pem, cert.pem, key.pem) for a tcp:// engine."`
}

// Run prints the problems of this machine and the repository, and which engines a
// build could use. It fails if there is a problem, or no engine.
func (c *doctorCmd) Run(ctx context.Context, a *app) error {
	t, err := doctor.FindTarget(ctx, a.links, a.checkHost(c.placeFlags))
	if err != nil {
		return err
	}
	t.States = map[string]doctor.StateCheck{autocapture.StatePattern: autocapture.CheckState}
	t.Units = func() ([]doctor.OtherProblem, error) {
		found, err := autocapture.UnitProblems(t.Workspace, a.start(t.Folders))
		var all []doctor.OtherProblem
		for _, p := range found {
			all = append(all, doctor.OtherProblem{Err: p, Fix: p.Fix})
		}
		return all, err
	}
	problems, err := doctor.Examine(ctx, t)
	if err != nil {
		return err
	}
	if c.Fix || c.Preview() {
		return a.fix(ctx, problems, c.Mode)
	}
	cfg := pipeline.FindEngine()
	cfg.Address, cfg.TLS = cmp.Or(c.Engine, cfg.Address), c.TLSDir
	if err := pipeline.CheckTLS(cfg, nil); err != nil {
		return err
	}
	d, err := doctor.Diagnose(ctx, problems, cfg)
	if err != nil {
		return err
	}
	if err := a.printDiagnosis(d.Report()); err != nil {
		return err
	}
	if !d.Healthy() {
		return exited(1)
	}
	return nil
}

// fix fixes the problems that bkt can fix, and prints those that only the user can.
func (a *app) fix(ctx context.Context, problems []doctor.Problem, m ui.Mode) error {
	var p plan.Plan
	for _, one := range problems {
		p = append(p, one.Plan...)
		switch {
		case one.IsNote():
		case one.NotChecked:
			a.Warn([]error{fmt.Errorf("%s: %w", one.Subject, one.Finding)})
		case one.Plan == nil:
			a.Warn([]error{one.Finding})
		}
	}
	return a.FinishSteps(ctx, host.Executor{}, p, m)
}

func (a *app) printDiagnosis(r doctor.Report) error {
	var text strings.Builder
	line(&text, "bkt", r.Bkt, nil)
	line(&text, "bkt-engine", r.Program.Version+", "+r.Program.Path, r.Program.Errors)
	for _, n := range r.Program.Needs {
		line(&text, n.Name, n.Found, n.Errors)
	}
	fmt.Fprintln(&text)
	for _, e := range r.Engines {
		line(&text, e.State(), e.Name, nil)
		printErrors(&text, "", e.Errors)
	}
	if len(r.Findings) > 0 {
		fmt.Fprintln(&text)
	}
	for _, p := range r.Findings {
		printErrors(&text, p.Name, []doctor.ErrorReport{p.ErrorReport})
	}
	return a.PrintResult(r, text.String())
}

// line prints what was found under a name, or the errors.
func line(w io.Writer, name, found string, errs []doctor.ErrorReport) {
	if len(errs) == 0 {
		fmt.Fprintf(w, "%-12s %s\n", name, found)
	}
	printErrors(w, name, errs)
}

func printErrors(w io.Writer, name string, errs []doctor.ErrorReport) {
	for _, e := range errs {
		fmt.Fprintf(w, "%-12s %s\n", name, e.Message)
		for _, h := range e.Hints {
			fmt.Fprintf(w, "%-12s hint: %s\n", "", h)
		}
		name = ""
	}
}
