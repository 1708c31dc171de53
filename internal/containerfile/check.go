package containerfile

import (
	"context"
	"errors"

	"bkt/gen/lint"
	"bkt/internal/finding"
	"bkt/internal/hint"
	"bkt/internal/plan"
	"bkt/internal/repo"
)

// Check renders and lints the Containerfiles. It returns the findings, and the plan that
// brings the files up to date. If a file cannot be rendered, the error says why: it is
// among the findings, too, and the plan is empty.
func Check(ctx context.Context, r repo.Repo, names []string) ([]finding.Finding, plan.Plan, error) {
	var findings []finding.Finding
	var rendered []Rendering
	var errs []error
	for _, name := range names {
		f := Render(ctx, r.FS(), name, Unchanged)
		findings = append(findings, finding.From(finding.Warning, f.asIs...)...)
		findings = append(findings, finding.From(finding.Error, hint.Split(f.Err)...)...)
		rendered, errs = append(rendered, f), append(append(errs, f.Err), lint.Refused(f.asIs)...)
	}
	findings = finding.Distinct(findings)
	if err := errors.Join(errs...); err != nil {
		return findings, nil, err
	}
	warnings, err := checkContext(ctx, r, rendered)
	findings = append(findings, finding.From(finding.Warning, warnings...)...)
	if err != nil {
		return append(findings, finding.From(finding.Error, hint.Split(err)...)...), nil, err
	}
	p := Rewrites(r, rendered)
	findings = append(findings, finding.From(finding.Error, Unsaved(ctx, r, rendered)...)...)
	for _, change := range p {
		findings = append(findings, finding.Finding{
			Rule: "stale", Level: finding.Error, Place: finding.Place{File: change.Targets[0]},
			Message: "the sections are not up to date with the manifests", Fix: []string{"run \"bkt containerfile sync\""},
		})
	}
	return findings, p, nil
}
