// Package ui prints: text, colours, JSON, diffs, plans, warnings and errors. It
// asks for confirmation, and every plan of a command passes through
// [Printer.Finish]. It decides nothing, and changes nothing itself.
package ui

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/plan"
	"bkt/internal/printable"

	"golang.org/x/term"
)

// Printer prints for commands.
type Printer struct {
	Out, Err             io.Writer // results; everything else: a [printable.Writer], outside of tests
	JSON, Quiet, Verbose bool
	Color                string // "auto", "always" or "never"
	Asked                bool   // the user was asked, and took time to answer
}

// Mode holds the flags of every command that changes something.
type Mode struct {
	DryRun bool `short:"n" xor:"mode" help:"Print what would change, without changing it."`
	Check  bool `xor:"mode" help:"Like --dry-run, but exit with status 2 if anything would change."`
}

// Preview reports whether the command only prints its changes.
func (m Mode) Preview() bool { return m.DryRun || m.Check }

// ErrPending is the result of a --check that found changes. It is printed as exit
// status 2, not as an error.
var ErrPending = errors.New("changes pending")

// Run is the only path of commands that change something. With --dry-run or --check it
// calls preview, which prints the changes and reports whether there are any; --check
// returns [ErrPending] if so. Otherwise it calls execute.
func (m Mode) Run(preview func() (changes bool, err error), execute func() error) error {
	if !m.Preview() {
		return execute()
	}
	changes, err := preview()
	if err == nil && m.Check && changes {
		return ErrPending
	}
	return err
}

// Executor executes plans.
type Executor interface {
	Execute(ctx context.Context, p plan.Plan, done func(plan.Change, error)) error
}

// Finish executes changes and prints them. With --dry-run or --check it only prints
// them; --check returns [ErrPending] if there are any.
func (p *Printer) Finish(ctx context.Context, x Executor, changes plan.Plan, m Mode) error {
	return m.Run(func() (bool, error) {
		return len(changes) > 0, p.PrintPlan(changes, true)
	}, func() error {
		return p.execute(ctx, x, changes)
	})
}

// FinishSteps is [Printer.Finish] for a plan that runs commands, which a preview
// prints.
func (p *Printer) FinishSteps(ctx context.Context, x Executor, changes plan.Plan, m Mode) error {
	if len(changes) == 0 || p.JSON {
		return p.Finish(ctx, x, changes, m)
	}
	return m.Run(func() (bool, error) {
		return true, p.PrintSteps(changes)
	}, func() error {
		return p.execute(ctx, x, changes)
	})
}

// execute executes changes, and prints those that succeed.
func (p *Printer) execute(ctx context.Context, x Executor, changes plan.Plan) error {
	if len(changes) == 0 {
		return p.PrintPlan(nil, true)
	}
	var done plan.Plan
	err := x.Execute(ctx, changes, func(c plan.Change, err error) {
		if err == nil {
			done = append(done, c)
		}
	})
	if len(done) == 0 {
		return err
	}
	return errors.Join(p.PrintPlan(done, false), err)
}

// PrintPlan prints a plan: the full difference, or a line for each change.
func (p *Printer) PrintPlan(changes plan.Plan, full bool) error {
	switch {
	case p.JSON:
		return p.PrintJSON(AsJSON(changes))
	case len(changes) == 0 && p.Quiet:
		return nil
	case len(changes) == 0:
		return p.Print("nothing to do\n")
	case full || p.Verbose:
		return p.PrintDiffs(changes)
	case p.Quiet:
		return nil
	}
	return changes.Print(p.Out)
}

// PlanJSON is the --json output of commands that change something. Version
// increases when a field changes its meaning or is removed.
type PlanJSON struct {
	Version int          `json:"version"`
	Changes []ChangeJSON `json:"changes"`
}

// ChangeJSON is a change in the output of --json.
type ChangeJSON struct {
	Op      plan.Op  `json:"op"`
	Targets []string `json:"targets"`
	Diff    string   `json:"diff,omitempty"`
}

// AsJSON returns a plan as --json prints it.
func AsJSON(p plan.Plan) PlanJSON {
	j := PlanJSON{Version: 1, Changes: []ChangeJSON{}}
	for _, c := range p {
		j.Changes = append(j.Changes, ChangeJSON{c.Op, append([]string{}, c.Targets...), string(diffOf(c))})
	}
	return j
}

// PrintJSON prints v as indented JSON.
func (p *Printer) PrintJSON(v any) error {
	enc := json.NewEncoder(p.Out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// Print prints text, which is a result.
func (p *Printer) Print(text string) error {
	_, err := io.WriteString(p.Out, text)
	return err
}

// PrintResult prints a result: v with --json, or else text.
func (p *Printer) PrintResult(v any, text string) error {
	if p.JSON {
		return p.PrintJSON(v)
	}
	return p.Print(text)
}

// Log returns where the output of other programs and packages goes. They may draw their
// progress.
func (p *Printer) Log() io.Writer {
	if p.Quiet {
		return io.Discard
	}
	return p.Display()
}

// Display returns where a program draws its progress, even with --quiet.
func (p *Printer) Display() io.Writer {
	if w, ok := p.Err.(*printable.Writer); ok {
		return w.Display()
	}
	return p.Err
}

// Warn prints warnings, with their hints, unless --quiet is set.
func (p *Printer) Warn(warnings []error) {
	if p.Quiet {
		return
	}
	for _, w := range warnings {
		p.Say("warning", Yellow, w)
	}
}

// Note prints a line of information to standard error, unless --quiet is set.
func (p *Printer) Note(format string, args ...any) {
	if !p.Quiet {
		fmt.Fprintf(p.Err, "bkt: "+format+"\n", args...)
	}
}

// Say prints an error with its hints. label, such as "error", is coloured.
func (p *Printer) Say(label, colour string, err error) {
	fmt.Fprintf(p.Err, "bkt: %s %v\n", p.Paint(p.Err, colour, label+":"), err)
	for _, h := range hint.Of(err) {
		fmt.Fprintf(p.Err, "bkt: %s %s\n", p.Paint(p.Err, Cyan, "hint:"), h)
	}
}

// The colours, as terminals' escape sequences.
const (
	Red    = "\x1b[31m"
	Green  = "\x1b[32m"
	Yellow = "\x1b[33m"
	Cyan   = "\x1b[36m"
	reset  = "\x1b[0m"
)

// Paint colours text that is printed to w, if w shows colours.
func (p *Printer) Paint(w io.Writer, colour, text string) string {
	if !p.colours(w) {
		return text
	}
	return colour + text + reset
}

// colours reports whether w shows colours. NO_COLOR is explained on
// https://no-color.org.
func (p *Printer) colours(w io.Writer) bool {
	switch p.Color {
	case "always":
		return true
	case "never":
		return false
	}
	f, ok := w.(interface{ Fd() uintptr })
	return ok && os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(f.Fd())) && Interactive()
}

// Interactive reports whether standard input and output are a terminal.
func Interactive() bool {
	return term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd()))
}

// ErrDeclined is the error of a question that the user did not answer with yes.
var ErrDeclined = errors.New("nothing was changed")

// Confirm asks whether to do what. Any answer but yes is an error, and so is a
// missing terminal.
func (p *Printer) Confirm(ctx context.Context, what string) error {
	if !Interactive() {
		return hint.Add(errors.New("this would "+what), "confirm with --yes, or run in a terminal")
	}
	p.Asked = true
	answer, err := p.Ask(ctx, bufio.NewReader(os.Stdin), strings.ToUpper(what[:1])+what[1:]+"? [y/N] ")
	if err == nil && !IsYes(answer) {
		err = ErrDeclined
	}
	return err
}

// Ask prints a question, and returns the line that the user types. Reading a terminal
// cannot be interrupted: if ctx ends first, the goroutine that reads is left behind.
func (p *Printer) Ask(ctx context.Context, in *bufio.Reader, question string) (answer string, err error) {
	fmt.Fprint(p.Err, question)
	done := make(chan error, 1)
	var line string
	go func() {
		var err error
		line, err = in.ReadString('\n')
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			return "", errors.New("interrupted")
		}
		return strings.TrimSpace(line), nil
	case <-ctx.Done():
		fmt.Fprintln(p.Err)
		return "", errors.New("interrupted")
	}
}

// IsYes reports whether an answer to a question is yes.
func IsYes(answer string) bool {
	answer = strings.ToLower(answer)
	return answer == "y" || answer == "yes"
}
