package pipeline

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/internal/buildkit"
	"bkt/internal/buildspec"
	"bkt/internal/hint"
	"bkt/internal/stepfailure"
)

// Blame adds to the error of a build step why the step failed, each reason with its
// manifest entry, as further errors. If the output of the step does not tell, it adds a
// hint with the manifest that the step is rendered from, if it is rendered from one.
func (s Recipe) Blame(err error) error {
	step, ok := errors.AsType[*buildspec.StepError](err)
	if !ok || step.File != s.Spec.Containerfile {
		return err
	}
	if buildkit.IsGone(step) {
		return s.hintGone(step, err)
	}
	if step.ExitCode == 0 {
		return s.hintSource(step, err)
	}
	own, others := s.entries(step)
	reasons := stepfailure.Find(stepfailure.Step{Output: step.Output, Entries: own, Others: others, Known: step.Known})
	if len(reasons) == 0 {
		return s.hintSource(step, err)
	}
	step.Tail = ""
	errs := []error{err}
	for _, r := range reasons {
		because := errors.New(r.Text(step.Place()))
		for _, h := range slices.Backward(r.Hints) {
			because = hint.Add(because, "%s", h)
		}
		errs = append(errs, because)
	}
	return errors.Join(errs...)
}

// entries returns the manifest entries that a step is rendered from, and those of the
// other lines of its Containerfile.
func (s Recipe) entries(step *buildspec.StepError) (own, others []stepfailure.Entry) {
	for _, o := range s.origins {
		e := stepfailure.Entry{File: o.File, Text: o.Text}
		if o.Position.Line > 0 {
			e.Place = o.Entry.String()
		}
		if !step.Has(o.Line) {
			others = append(others, e)
			continue
		}
		e.Line = step.Lines[o.Line-step.Line]
		own = append(own, e)
	}
	return own, others
}

// hintSource adds which manifest entry a step is rendered from: the only one that it
// has, or else the manifests of all.
func (s Recipe) hintSource(step *buildspec.StepError, err error) error {
	entries, files := map[string]bool{}, map[string]bool{}
	for _, o := range s.origins {
		if step.Has(o.Line) && o.Position.Line > 0 { // other lines name a manifest that need not exist
			entries[o.Entry.String()], files[o.File] = true, true
		}
	}
	if step.Explained || len(entries) == 0 {
		return err
	}
	if len(entries) > 1 {
		entries = files
	}
	return hint.Add(err, "this step is rendered from %s", strings.Join(slices.Sorted(maps.Keys(entries)), " and "))
}

// hintGone adds how to get the digest of a base image that exists.
func (s Recipe) hintGone(step *buildspec.StepError, err error) error {
	for _, o := range s.origins {
		if step.Has(o.Line) && o.Section == gen.BaseImage {
			return hint.Add(err, "the registry does not have the image of this digest any more: run \"bkt base update\"")
		}
	}
	return hint.Add(err, "the registry does not have the image of this digest any more: write the digest of another one")
}
