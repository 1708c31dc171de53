// Package lint checks a rendered Containerfile: with BuildKit's parser and linter,
// by the rules about images, and for stages that a section takes away or that the
// image does not use.
package lint

import (
	"context"
	"errors"
	"fmt"

	"bkt/gen"
	"bkt/internal/finding"
	"bkt/internal/printable"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
)

// Check lints a rendered Containerfile, in this process and without a network.
// file is its name in messages.
//
// It returns findings as warnings. A file that BuildKit cannot parse, or that bootc
// refuses, is an error, which names the manifest entry where the line is a
// generated one.
func Check(ctx context.Context, file string, r gen.Result) (warnings []error, err error) {
	if err := r.Check(file); err != nil {
		return nil, err
	}
	// BuildKit needs the capabilities of an engine. No engine is asked, so it gets all
	// of them.
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
		warnings = append(warnings, r.Finding(finding.Warning, "buildkit/"+w.RuleName, file, firstLine(w.Location), printable.Message(w.RuleName+": "+w.Detail)))
	}
	f, err := r.Parse(file)
	if err != nil {
		return warnings, err
	}
	more, err := read(file, f.Stages, r).check(f.Stages)
	warnings = append(warnings, more...)
	if results.Error == nil || err != nil {
		return warnings, err
	}
	// The file is well formed. Other errors may depend on build arguments.
	return append(warnings, r.Finding(finding.Warning, "buildkit", file, firstLine(&results.Error.Location), printable.Message(results.Error.Message))), nil
}

// check returns the findings in a file that BuildKit can parse.
func (d reading) check(parsed []instructions.Stage) (warnings []error, err error) {
	warnings, err = d.lintUserInstructions(parsed)
	if lost := d.lost(); lost != nil {
		return warnings, errors.Join(lost, err)
	}
	warnings = append(warnings, d.unused()...)
	return append(warnings, d.unchecked()...), err
}

func firstLine(l *pb.Location) int {
	if l == nil || len(l.Ranges) == 0 {
		return 0
	}
	return int(l.Ranges[0].Start.Line)
}

// unresolved is a registry that knows nothing about any image.
type unresolved struct{}

func (unresolved) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return ref, digest.FromString(ref), []byte("{}"), nil
}
