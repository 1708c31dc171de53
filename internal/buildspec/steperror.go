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
	File     string // as [Spec] names it
	Line     int    // where the step begins; 0 if unknown
	Last     int    // where it ends
	Step     string // its text, on one line and cut short; empty if it did not run
	ExitCode int    // of its command; 0 if it was not a command that failed
	Source   string // the step and the lines around it, with their numbers
	Err      error  // the error itself
	Message  string // Err for users; empty: the text of Err
}

// Error returns "file:line: step: what".
func (e *StepError) Error() string {
	where := e.File
	if e.Line > 0 {
		where = fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	if e.ExitCode != 0 {
		return fmt.Sprintf("%s: %s: exit code %d", where, e.Step, e.ExitCode)
	}
	return fmt.Sprintf("%s: %s", where, cmp.Or(e.Message, e.Err.Error()))
}

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
	e.Source = source.String()
	if s.Info != nil {
		e.Step = summary(string(s.Info.Data), e.Line, e.Last)
	}
	return e
}

// summary returns the lines first to last of text as one line, cut short.
func summary(text string, first, last int) string {
	const longest = 72
	lines := strings.Split(text, "\n")
	if first < 1 || last > len(lines) {
		return ""
	}
	var words []string
	for _, line := range lines[first-1 : last] {
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
