package buildspec

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"bkt/internal/dockerfile"

	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
)

// A StepError says which step of a Containerfile failed.
type StepError struct {
	File     string   // as [Spec] names it
	Line     int      // where the step begins; 0 if unknown
	Last     int      // where it ends
	Step     string   // its text, on one line and cut short; empty if it did not run
	ExitCode int      // of its command; 0 if it was not a command that failed
	Source   string   // the step and the lines around it, with their numbers; cut short
	Lines    []string // of the step
	Err      error    // the error itself
	Message  string   // Err for users; empty: the text of Err

	Output    string   // of the step, or its end; empty if it did not run
	Tail      string   // the last lines of Output, if the progress has not shown them
	Known     []string // names of packages like those that dnf has not found; they exist
	Explained bool     // the error itself says why: it is not the step's fault
}

// Error returns "file:line: step: what".
func (e *StepError) Error() string {
	where := e.Place()
	if e.ExitCode != 0 {
		return fmt.Sprintf("%s: %s: exit code %d", where, e.Step, e.ExitCode)
	}
	return fmt.Sprintf("%s: %s", where, cmp.Or(e.Message, e.Err.Error()))
}

// Place returns where the step begins, as file:line.
func (e *StepError) Place() string {
	if e.Line == 0 {
		return e.File
	}
	return fmt.Sprintf("%s:%d", e.File, e.Line)
}

// Has reports whether a line of the Containerfile is one of the step's.
func (e *StepError) Has(line int) bool { return line >= e.Line && line < e.Line+len(e.Lines) }

// Unwrap returns the error itself.
func (e *StepError) Unwrap() error { return e.Err }

// NewStepError returns an error of a build of file at the place that BuildKit
// names.
func NewStepError(file string, s *errdefs.Source, err error) *StepError {
	e := &StepError{File: file, Err: err}
	var exit *gatewaypb.ExitError
	if errors.As(err, &exit) {
		e.ExitCode = int(exit.ExitCode)
	}
	for _, r := range s.Ranges {
		if e.Line == 0 || int(r.Start.Line) < e.Line {
			e.Line = int(r.Start.Line)
		}
		e.Last = max(e.Last, int(r.Start.Line), int(r.End.Line))
	}
	var source strings.Builder
	_ = s.Print(&source) // a strings.Builder takes everything
	e.Source = abridge(source.String())
	if s.Info != nil {
		lines := strings.Split(string(s.Info.Data), "\n")
		if e.Line >= 1 && e.Last <= len(lines) {
			e.Lines = lines[e.Line-1 : e.Last]
		}
	}
	e.Step = summary(e.Lines)
	return e
}

// abridge cuts a step of many lines in the output of [errdefs.Source.Print], which marks
// the lines of the step.
func abridge(source string) string {
	const first, last = 8, 3
	var steps []int
	lines := strings.SplitAfter(source, "\n")
	for i, line := range lines {
		if _, rest, _ := strings.Cut(line, " | "); strings.HasPrefix(rest, ">>> ") {
			steps = append(steps, i)
		}
	}
	if len(steps) <= first+last+1 {
		return source
	}
	from, to := steps[first], steps[len(steps)-last]
	more := fmt.Sprintf("     … %d more lines\n", to-from)
	return strings.Join(lines[:from], "") + more + strings.Join(lines[to:], "")
}

// summary returns the lines of a step as one line, cut short.
func summary(lines []string) string {
	const longest = 72
	var words []string
	for _, line := range lines {
		words = append(words, strings.Fields(strings.TrimSuffix(strings.TrimSpace(line), `\`))...)
	}
	short := []rune(strings.Join(words, " "))
	if len(short) > longest {
		return string(short[:longest]) + "…"
	}
	return string(short)
}

// located returns a [dockerfile.Error] in the text of file, with its line and those
// around it.
func located(file string, text []byte, err error) error {
	at, ok := errors.AsType[*dockerfile.Error](err)
	if !ok || len(at.Ranges) == 0 {
		return &StepError{File: file, Err: err}
	}
	source := errdefs.Source{Info: &pb.SourceInfo{Filename: file, Data: text}}
	for _, r := range at.Ranges {
		source.Ranges = append(source.Ranges, &pb.Range{
			Start: &pb.Position{Line: int32(r.Start.Line)}, End: &pb.Position{Line: int32(r.End.Line)}})
	}
	return NewStepError(file, &source, err)
}
