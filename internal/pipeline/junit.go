package pipeline

import (
	"context"
	"errors"
	"os"

	"bkt/internal/finding"
	"bkt/internal/host"
	"bkt/internal/imagetest"
	"bkt/internal/patherr"
	"bkt/internal/plan"
)

// WriteJUnit writes results of tests to a file, as JUnit XML.
func WriteJUnit(ctx context.Context, name string, all []imagetest.Result) error {
	var cases []finding.Case
	for _, t := range all {
		cases = append(cases, t.Case())
	}
	text, err := finding.ToJUnit(cases)
	if err != nil {
		return err
	}
	old, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return patherr.TrimOp(err)
	}
	return host.Executor{}.Execute(ctx, plan.Rewrite(name, name, old, text), nil)
}
