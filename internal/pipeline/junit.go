package pipeline

import (
	"context"
	"path/filepath"

	"bkt/internal/finding"
	"bkt/internal/host"
	"bkt/internal/imagetest"
	"bkt/internal/plan"
	"bkt/internal/repo"
)

// WriteJUnit writes results of tests to a file, as JUnit XML. If the file is in the
// repository, links may not lead out of that.
func WriteJUnit(ctx context.Context, r repo.Repo, name string, all []imagetest.Result) error {
	var cases []finding.Case
	for _, t := range all {
		cases = append(cases, t.Case())
	}
	text, err := finding.ToJUnit(cases)
	if err != nil {
		return err
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	write := plan.Overwrite{Path: path, Text: text, Within: r.Within(path)}
	return host.Executor{}.Execute(ctx, plan.Plan{{Op: plan.Modify, Targets: []string{name}, Steps: []plan.Step{write}}}, nil)
}
