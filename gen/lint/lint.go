// Package lint checks a rendered Containerfile: with BuildKit's parser and linter,
// by the rules about images, and for stages that a section takes away or that the
// image does not use.
package lint

import (
	"context"
	"errors"
	"fmt"

	"bkt/gen"
	"bkt/internal/dockerfile"
)

// Check lints a rendered Containerfile, in this process and without a network.
// file is its name in messages.
//
// It returns findings as warnings, those of BuildKit's linter last. A file that BuildKit
// cannot build, or that bootc refuses, is an error, which names the manifest entry where
// the line is a generated one.
func Check(ctx context.Context, file string, r gen.Result) (warnings []error, err error) {
	if err := r.Check(file); err != nil {
		return nil, err
	}
	results, err := runLinter(ctx, file, r.Text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	f, err := r.Parse(file)
	if err != nil {
		return read(file, nil, r).linterWarnings(results), err
	}
	d := read(file, f.Stages, r)
	warnings, err = d.check(f)
	if err == nil {
		var more []error
		more, err = d.refused(f.Stages, results)
		warnings = append(warnings, more...)
	}
	return append(warnings, d.linterWarnings(results)...), err
}

// check returns the findings in a file that BuildKit can parse.
func (d reading) check(f *dockerfile.File) (warnings []error, err error) {
	warnings, err = d.imageProblems(f)
	foreign, refused := d.foreignImages()
	warnings = append(warnings, foreign...)
	warnings = append(warnings, d.sectionsBelowUser(f.Stages)...)
	warnings = append(warnings, d.heredocsWithCR(f.Stages)...)
	if lost := d.lost(); lost != nil {
		return warnings, errors.Join(lost, err, refused)
	}
	warnings = append(warnings, d.unused()...)
	warnings = append(warnings, d.lateUnits()...)
	return append(warnings, d.unchecked()...), errors.Join(err, refused)
}
