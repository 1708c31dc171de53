package gen

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"bkt/internal/manifest"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
)

// Lint has BuildKit's parser and its linter look at a rendered Containerfile,
// in this process and without a network. file is its name in messages.
//
// It returns the linter's findings as warnings. A file that does not parse is
// an error, which names the manifest entry where the line is a generated one.
func Lint(ctx context.Context, file string, r Result) (warnings []error, err error) {
	// No engine is asked what it can do, and BuildKit does not expect to know nothing.
	caps := pb.Caps.CapSet(pb.Caps.All())
	results, err := dockerfile2llb.DockerfileLint(ctx, r.Text, dockerfile2llb.ConvertOpt{
		MetaResolver: unresolved{},
		LLBCaps:      &caps,
		SourceMap:    &llb.SourceMap{Definition: &llb.Definition{}, Data: r.Text, Filename: file},
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, w := range results.Warnings {
		warnings = append(warnings, r.locate("buildkit/"+w.RuleName, file, firstLine(w.Location), fmt.Sprintf("%s: %s", w.RuleName, w.Detail)))
	}
	stages, err := parse(file, r)
	if err != nil {
		return warnings, err
	}
	more, err := read(file, stages, r).judge(stages)
	warnings = append(warnings, more...)
	if results.Error == nil || err != nil {
		return warnings, err
	}
	// The file is well formed. What is left may depend on build arguments.
	return append(warnings, r.locate("buildkit", file, firstLine(&results.Error.Location), results.Error.Message)), nil
}

// judge returns what is the matter with a file that BuildKit can read.
func (d reading) judge(parsed []instructions.Stage) (warnings []error, err error) {
	warnings, err = d.handwritten(parsed)
	if lost := d.lost(); lost != nil {
		return warnings, errors.Join(lost, err)
	}
	return append(warnings, d.unused()...), err
}

// parse returns the stages of the file, or an error if BuildKit cannot read it,
// or cannot put in its variables.
func parse(file string, r Result) ([]instructions.Stage, error) {
	if line := overlong(r.Text); line > 0 {
		return nil, r.locate("syntax", file, line, fmt.Sprintf("the line is longer than BuildKit reads: %d bytes are the most", maxLine))
	}
	ast, err := parser.Parse(bytes.NewReader(r.Text))
	if err == nil {
		var stages []instructions.Stage
		// A comment with a directive for the linter above an instruction needs one.
		if stages, _, err = instructions.Parse(ast.AST, linter.New(&linter.Config{})); err == nil {
			err = expandable(ast.EscapeToken, stages)
		}
		if err == nil {
			return stages, nil
		}
	}
	line := 0
	if at, ok := errors.AsType[*parser.LocationError](err); ok && len(at.Locations) > 0 && len(at.Locations[0]) > 0 {
		line = at.Locations[0][0].Start.Line
	}
	if r.sectionAt(line) == "" {
		line = r.lineBefore(line) // nothing is written
	}
	return nil, r.locate("syntax", file, line, strings.TrimPrefix(err.Error(), fmt.Sprintf("dockerfile parse error on line %d: ", line)))
}

// maxLine is the length of the longest line that BuildKit's parser reads.
const maxLine = 64<<10 - 1

// overlong returns the first line that is too long, 0 if there is none.
func overlong(text []byte) int {
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if len(bytes.TrimRight(line, "\r\n")) > maxLine {
			return n
		}
	}
	return 0
}

// locate says that something is the matter with a line of the Containerfile. In
// a generated line it is with the entry that the line comes from.
func (r Result) locate(rule, file string, line int, what string) error {
	place := Entry{File: file, Position: manifest.Position{Line: line}}
	for _, o := range r.Origins {
		if o.Line == line {
			what = fmt.Sprintf("%s (%s, section %s)", what, place, o.Section)
			return Finding{rule, o.Entry, what}
		}
	}
	return Finding{rule, place, what}
}

func firstLine(l *pb.Location) int {
	if l == nil || len(l.Ranges) == 0 {
		return 0
	}
	return int(l.Ranges[0].Start.Line)
}

// unresolved stands in for a registry: nothing is known of any base image.
type unresolved struct{}

func (unresolved) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return ref, digest.FromString(ref), []byte("{}"), nil
}
