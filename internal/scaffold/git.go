package scaffold

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/mergedriver"
	"bkt/internal/plan"
	"bkt/internal/repo"
)

// A Git is how git keeps a repository of images.
type Git struct {
	Top      string   // of the work tree; "": there is none yet
	Branches []string // that others see as the main one
	Err      error    // why git cannot be used; nil: it can
}

// FindGit asks git about the folder of r. parent is a folder that exists: r.Root, or one
// above it.
func FindGit(ctx context.Context, r repo.Repo, parent string) Git {
	g := Git{Branches: []string{"main", "master"}}
	if !host.Installed("git") {
		g.Err = hint.Add(errors.New("git is not installed"), "install git, run \"git init\" in %s, and then \"bkt doctor --fix\"", r.Root)
		return g
	}
	out, err := host.Query{}.Git(ctx, parent, nil, "rev-parse", "--show-toplevel")
	if err != nil {
		g.Err = r.NoGit(err)
		g.setBranch(ctx, parent, "config", "--global", "--includes", "--type=path", "--get-all", "init.defaultBranch")
		return g
	}
	g.Top = strings.TrimSuffix(string(out), "\n")
	g.setBranch(ctx, parent, "rev-parse", "--abbrev-ref", "origin/HEAD")
	return g
}

// setBranch takes the main branch from the output of git, if it prints one.
func (g *Git) setBranch(ctx context.Context, dir string, args ...string) {
	out, err := host.Query{}.Git(ctx, dir, nil, args...)
	name := strings.TrimPrefix(strings.TrimSpace(string(out)), "origin/")
	if err == nil && branch(name) && !slices.Contains(g.Branches, name) {
		g.Branches = []string{name}
	}
}

// branch reports whether a name of a branch has only characters that mean themselves in a
// workflow.
func branch(name string) bool {
	return name != "" && name != "HEAD" && name[0] != '.' && !strings.ContainsFunc(name, func(c rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./", c)
	})
}

// IsOwn reports whether the folder of r is the top of a work tree, or will be.
func (g Git) IsOwn(r repo.Repo) bool {
	real, err := filepath.EvalSymlinks(r.Root)
	return g.Top == "" || err == nil && real == g.Top
}

// Plan plans what git needs to keep a new repository: "git init", if there is none, and what
// has git merge manifests item by item.
func (g Git) Plan(ctx context.Context, r repo.Repo, parent string) (plan.Plan, error) {
	if g.Err != nil {
		return nil, nil
	}
	lack, err := mergedriver.Driver(ctx, parent)
	if err != nil || lack == nil && g.Top != "" {
		return nil, err
	}
	var p plan.Plan
	if lack != nil {
		p = lack.Fix
	}
	if g.Top != "" {
		return p, nil
	}
	for _, change := range p {
		for n, step := range change.Steps {
			if run, ok := step.(plan.Run); ok { // the folder may not exist yet
				run.Dir = r.Root
				change.Steps[n] = run
			}
		}
	}
	start := plan.Run{Argv: []string{"git", "init", "--quiet"}, Dir: r.Root}
	return append(plan.Plan{{Op: plan.Add, Targets: []string{"git repository"}, Steps: []plan.Step{start}}}, p...), nil
}
