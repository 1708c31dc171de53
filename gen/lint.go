package gen

import (
	"context"
	"errors"
	"fmt"

	"bkt/internal/dockerfile"
	"bkt/internal/manifest"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
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
	f, err := parse(file, r)
	if err != nil {
		return warnings, err
	}
	more, err := read(file, f.Stages, r).judge(f.Stages)
	warnings = append(warnings, more...)
	if results.Error == nil || err != nil {
		return warnings, err
	}
	// The file is well formed. What is left may depend on build arguments.
	return append(warnings, r.locate("buildkit", file, firstLine(&results.Error.Location), results.Error.Message)), nil
}

// judge returns what is the matter with a file that BuildKit can read.
func (d reading) judge(parsed []instructions.Stage) (warnings []error, err error) {
	warnings, err = d.lintUserInstructions(parsed)
	if lost := d.lost(); lost != nil {
		return warnings, errors.Join(lost, err)
	}
	return append(warnings, d.unused()...), err
}

// parse parses the file. What BuildKit cannot parse, or whose variables it cannot
// expand, is an error with its place.
func parse(file string, r Result) (*dockerfile.File, error) {
	f, err := dockerfile.Parse(r.Text)
	if err == nil {
		err = f.CheckVariables()
	}
	if err == nil {
		return f, nil
	}
	line := 0
	if e, ok := errors.AsType[*dockerfile.Error](err); ok {
		line = e.Line()
	}
	if r.sectionAt(line) == "" {
		line = r.lineBefore(line) // nothing is written
	}
	return nil, r.locate("syntax", file, line, err.Error())
}

// locate says that something is the matter with a line of the Containerfile. In
// a generated line it is with the entry that the line comes from.
func (r Result) locate(rule, file string, line int, what string) error {
	place := manifest.Entry{File: file, Position: manifest.Position{Line: line}}
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
