// Package githook plans the pre-commit hook of git that renders managed sections.
package githook

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
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/repo"
	"bkt/internal/shell"
)

// Plan returns the plan that installs the pre-commit hook for the image repository at
// dir. It is empty if the hook is up to date, or if the user's own hook runs bkt.
//
// A folder outside git, a different pre-commit hook, and a core.hooksPath that other
// repositories share are errors with a hint.
func Plan(ctx context.Context, dir string) (plan.Plan, error) {
	out, err := host.Query{}.Git(ctx, dir, nil, "rev-parse", "--git-path", "hooks", "--git-common-dir", "--show-toplevel", "--show-prefix")
	if err != nil && (repo.Repo{Root: dir}).NoGit(err) != nil {
		return nil, err
	}
	if err != nil {
		return nil, hint.Add(fmt.Errorf("%s is not a git repository", dir), "run \"git init\" in it first")
	}
	lines := strings.Split(string(out), "\n")
	if len(lines) < 4 {
		return nil, fmt.Errorf("git rev-parse: cannot parse %q", out)
	}
	h, err := newHook(strings.TrimSuffix(lines[3], "/"))
	if err != nil {
		return nil, err
	}
	hooks := absolute(dir, lines[0])
	if !isBelow(hooks, absolute(dir, lines[1])) && !isBelow(hooks, lines[2]) {
		err := fmt.Errorf("git's folder for hooks, %s, is shared with other repositories (core.hooksPath)", hooks)
		return nil, hint.Add(err, "call \"%s\" from a hook of your own", h.command)
	}
	return h.write(filepath.Join(hooks, "pre-commit"))
}

// A hook is the text of the pre-commit hook, and the command in it.
type hook struct{ text, command string }

// newHook returns the hook. git runs it in the top folder of the work tree; prefix is
// the path of the image repository below it. The hook does nothing on a branch without
// an image repository.
func newHook(prefix string) (hook, error) {
	manifests, bkt := "manifests", "bkt"
	if prefix != "" {
		word, err := shell.Quote(prefix)
		if err != nil {
			return hook{}, err
		}
		manifests, bkt = word+"/manifests", "bkt -C "+word
	}
	command := bkt + " containerfile sync --staged"
	return hook{"#!/bin/sh\n# Renders the managed sections of what is staged (bkt init --hook).\n" +
		"test -d " + manifests + " || exit 0\nexec " + command + "\n", command}, nil
}

// write returns the plan that writes the hook, or an error if another hook exists that
// does not run bkt.
func (h hook) write(path string) (plan.Plan, error) {
	old, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return plan.Plan{{Op: plan.Add, Targets: []string{"pre-commit hook"}, Steps: []plan.Step{
			plan.Write{Path: path, Name: path, New: []byte(h.text), Mode: 0o755},
		}}}, nil
	case err != nil:
		return nil, patherr.TrimOp(err)
	case string(old) == h.text, h.isIn(string(old)):
		return nil, nil
	}
	return nil, hint.Add(fmt.Errorf("%s: a different pre-commit hook exists", path), "add the line \"%s\" to it", h.command)
}

// isIn reports whether a line of another hook runs the command.
func (h hook) isIn(other string) bool {
	for line := range strings.Lines(other) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") && strings.Contains(line, h.command) {
			return true
		}
	}
	return false
}

// absolute returns the absolute path of a path that git printed in dir.
func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

func isBelow(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}
