package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"bkt/gen"
	"bkt/internal/buildkit"
	"bkt/internal/crash"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/plan"

	"golang.org/x/term"
)

// app is what commands print with.
type app struct {
	out, err             io.Writer // results; all else
	json, quiet, verbose bool
	color                string
	image                gen.Kind // that the command is about, if it is about one
	asked                bool     // someone was asked, and took time to answer
}

func (a *app) configure(c cli) {
	a.json, a.quiet, a.verbose, a.color = c.JSON, c.Quiet, c.Verbose, c.Color
}

// mode are the flags of every command that changes something.
type mode struct {
	DryRun bool `short:"n" xor:"mode" help:"Print what would change and change nothing."`
	Check  bool `xor:"mode" help:"Like --dry-run, but exit with status 2 if anything would change."`
}

// errPending is the end of a --check that found something to do.
var errPending = errors.New("something would change")

// finish carries p out and prints what has been done; if m says so, it prints
// what would be and does nothing. It is the one way by which a command changes
// anything.
func (a *app) finish(ctx context.Context, p plan.Plan, m mode) error {
	if m.Check || m.DryRun || len(p) == 0 {
		err := a.printPlan(p, true)
		if err == nil && m.Check && len(p) > 0 {
			err = errPending
		}
		return err
	}
	var done plan.Plan
	err := host.Executor{}.Execute(ctx, p, func(c plan.Change, err error) {
		if err == nil {
			done = append(done, c)
		}
	})
	if len(done) == 0 {
		return err
	}
	return errors.Join(a.printPlan(done, false), err)
}

// printPlan prints p: what differs in full, or a line for each change.
func (a *app) printPlan(p plan.Plan, full bool) error {
	switch {
	case a.json:
		return a.printJSON(asJSON(p))
	case len(p) == 0 && a.quiet:
		return nil
	case len(p) == 0:
		_, err := fmt.Fprintln(a.out, "nothing to do")
		return err
	case full || a.verbose:
		return a.printDiffs(p)
	case a.quiet:
		return nil
	}
	return p.Print(a.out)
}

func (a *app) printDiffs(p plan.Plan) error {
	for _, c := range p {
		if err := a.printDiff(diffOf(c)); err != nil {
			return err
		}
	}
	return nil
}

// diffOf returns what a change does to text.
func diffOf(c plan.Change) []byte {
	var text []byte
	for _, s := range c.Steps {
		if d, ok := s.(interface{ Diff() []byte }); ok {
			text = append(text, d.Diff()...)
		}
	}
	return text
}

// jsonChange is a change in the output of --json.
type jsonChange struct {
	Op      plan.Op  `json:"op"`
	Targets []string `json:"targets"`
	Diff    string   `json:"diff,omitempty"`
}

// jsonPlan is the output of --json of commands that change something. Version
// goes up when a field changes its meaning or goes away.
type jsonPlan struct {
	Version int          `json:"version"`
	Changes []jsonChange `json:"changes"`
}

func asJSON(p plan.Plan) jsonPlan {
	j := jsonPlan{Version: 1, Changes: []jsonChange{}}
	for _, c := range p {
		j.Changes = append(j.Changes, jsonChange{c.Op, c.Targets, string(diffOf(c))})
	}
	return j
}

func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// log is where progress goes that others write.
func (a *app) log() io.Writer {
	if a.quiet {
		return io.Discard
	}
	return a.err
}

// warn prints warnings, with their hints.
func (a *app) warn(warnings []error) {
	if a.quiet {
		return
	}
	for _, w := range warnings {
		a.say("warning", yellow, w)
	}
}

// report prints err, each of joined ones by itself, and returns the exit status.
func (a *app) report(err error) int {
	if code, ok := errors.AsType[exited](err); ok {
		return min(int(code), 1)
	}
	if err == nil {
		return 0
	}
	failed := false
	for _, e := range hint.Split(err) {
		if !errors.Is(e, errPending) {
			a.source(e)
			a.say("error", red, a.withStack(e))
			failed = true
		}
	}
	if failed {
		return 1
	}
	return 2
}

// withStack prints the stack of a bug of bkt's if more is to be printed, and
// says how to get it if not.
func (a *app) withStack(err error) error {
	bug, ok := errors.AsType[*crash.Error](err)
	if !ok {
		return err
	}
	if !a.verbose {
		return hint.Add(err, "run it again with -v for the whole stack")
	}
	fmt.Fprint(a.err, bug.Stack())
	return err
}

// source shows the lines of a Containerfile that err is about.
func (a *app) source(err error) {
	if step, ok := errors.AsType[*buildkit.StepError](err); ok {
		fmt.Fprint(a.err, step.Source)
	}
}

// note says something in passing.
func (a *app) note(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.err, "bkt: "+format+"\n", args...)
	}
}

func (a *app) say(what, colour string, err error) {
	fmt.Fprintf(a.err, "bkt: %s %v\n", a.paint(a.err, colour, what+":"), err)
	for _, h := range hint.Of(err) {
		fmt.Fprintf(a.err, "bkt: %s %s\n", a.paint(a.err, cyan, "hint:"), h)
	}
}

const (
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	cyan   = "\x1b[36m"
	reset  = "\x1b[0m"
)

// paint colours text that is printed to w, if that is wanted.
func (a *app) paint(w io.Writer, colour, text string) string {
	if !a.colours(w) {
		return text
	}
	return colour + text + reset
}

// colours reports whether w gets colour. NO_COLOR is explained on
// https://no-color.org.
func (a *app) colours(w io.Writer) bool {
	switch a.color {
	case "always":
		return true
	case "never":
		return false
	}
	f, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(f.Fd())) && interactive()
}

// interactive reports whether someone is there to see and to answer.
func interactive() bool {
	return term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd()))
}

// plainPathError drops the name of the system call from an error.
func plainPathError(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s: %w", e.Path, e.Err)
	}
	return err
}
