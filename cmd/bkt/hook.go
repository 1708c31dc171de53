package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/plan"
)

// preCommit is the hook for a repository that has no other one.
const preCommit = `#!/bin/sh
# Renders the managed sections of what is staged (bkt init --hook).
exec bkt containerfile sync --staged
`

// hookPlan is the plan that installs the hook in the git repository of dir.
func hookPlan(ctx context.Context, dir string) (plan.Plan, error) {
	out, err := host.Git{}.Git(ctx, dir, nil, "rev-parse", "--git-path", "hooks")
	if err != nil {
		return nil, hint.Add(fmt.Errorf("%s is not a git repository", dir), "run \"git init\" there first")
	}
	path := filepath.Join(strings.TrimSpace(string(out)), "pre-commit")
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	old, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return plan.Plan{{Op: plan.Add, Targets: []string{"pre-commit hook"}, Steps: []plan.Step{
			plan.Write{Path: path, Name: path, New: []byte(preCommit), Mode: 0o755},
		}}}, nil
	case err != nil:
		return nil, plainPathError(err)
	case string(old) == preCommit:
		return nil, nil
	}
	return nil, hint.Add(fmt.Errorf("%s: there is another hook", path), "add the line \"bkt containerfile sync --staged\" to it")
}
