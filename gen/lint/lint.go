// Package lint checks a rendered Containerfile: with BuildKit's parser and linter,
// by the rules about images, and for stages that a section takes away or that the
// image does not use.
package lint

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"bkt/gen"
	"bkt/internal/dockerfile"
	"bkt/internal/finding"
)

// Check lints a rendered Containerfile, in this process and without a network.
// file is its name in messages.
//
// It returns findings as warnings, those of BuildKit's linter last. What a build or bootc
// refuses has the level error; [Refused] returns it. A file that cannot be rendered is an
// error, which names the manifest entry where the line is a generated one.
func Check(ctx context.Context, file string, r gen.Result) (warnings []error, err error) {
	if err := r.Check(file); err != nil {
		return nil, err
	}
	results, err := runLinter(ctx, file, r, r.Build.Content.Args)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	f, err := r.Parse(file)
	if err != nil {
		return read(file, nil, r).linterWarnings(results), err
	}
	d := read(file, f.Stages, r)
	d.escape, d.args = string(f.Escape), f.DefaultArgs()
	maps.Copy(d.args, r.Build.Content.Args)
	warnings, err = d.check(f)
	warnings = append(wrongBuild(file, f, r.Build), warnings...)
	if err == nil {
		e, errLint := d.refusal(ctx, f, results)
		if errLint != nil {
			return nil, fmt.Errorf("%s: %w", file, errLint)
		}
		warnings = append(warnings, d.refused(f.Stages, e, Refused(warnings))...)
	}
	return append(warnings, d.linterWarnings(results)...), err
}

// check returns the findings in a file that BuildKit can parse.
func (d reading) check(f *dockerfile.File) (warnings []error, err error) {
	warnings, err = d.imageProblems(f)
	warnings = append(warnings, d.sources(f)...)
	warnings = append(warnings, d.sectionsBelowUser(f.Stages)...)
	warnings = append(warnings, d.heredocsWithCR(f.Stages)...)
	if lost := d.lost(); lost != nil {
		return warnings, errors.Join(lost, err)
	}
	warnings = append(warnings, d.unused()...)
	warnings = append(warnings, d.lateUnits()...)
	return append(warnings, d.unchecked()...), err
}

// Refused returns the warnings about what a build or bootc refuses.
func Refused(warnings []error) []error {
	return slices.DeleteFunc(slices.Clone(warnings), func(err error) bool { return !IsRefused(err) })
}

// IsRefused reports whether a warning is about what a build or bootc refuses: it has the
// level error.
func IsRefused(warning error) bool {
	f, ok := errors.AsType[finding.Finding](warning)
	return ok && f.Level == finding.Error
}
