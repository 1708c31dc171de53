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

	"mvdan.cc/sh/v3/syntax"
)

// Plan returns the plan that installs the pre-commit hook for the image repository at
// dir. It is empty if the hook is up to date.
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
	text, err := script(strings.TrimSuffix(lines[3], "/"))
	if err != nil {
		return nil, err
	}
	hooks := absolute(dir, lines[0])
	if !isBelow(hooks, absolute(dir, lines[1])) && !isBelow(hooks, lines[2]) {
		err := fmt.Errorf("git's folder for hooks, %s, is shared with other repositories (core.hooksPath)", hooks)
		return nil, hint.Add(err, "call \"bkt containerfile sync --staged\" from a hook of your own")
	}
	return write(filepath.Join(hooks, "pre-commit"), text)
}

// script returns the text of the hook. git runs it in the top folder of the work
// tree; prefix is the path of the image repository below it. The hook does nothing on a
// branch without an image repository.
func script(prefix string) (string, error) {
	manifests, command := "manifests", "bkt"
	if prefix != "" {
		word, err := syntax.Quote(prefix, syntax.LangPOSIX)
		if err != nil {
			return "", err
		}
		manifests, command = word+"/manifests", "bkt -C "+word
	}
	return "#!/bin/sh\n# Renders the managed sections of what is staged (bkt init --hook).\n" +
		"test -d " + manifests + " || exit 0\nexec " + command + " containerfile sync --staged\n", nil
}

// write returns the plan that writes the hook, or an error if another hook exists.
func write(path, text string) (plan.Plan, error) {
	old, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return plan.Plan{{Op: plan.Add, Targets: []string{"pre-commit hook"}, Steps: []plan.Step{
			plan.Write{Path: path, Name: path, New: []byte(text), Mode: 0o755},
		}}}, nil
	case err != nil:
		return nil, patherr.TrimOp(err)
	case string(old) == text:
		return nil, nil
	}
	return nil, hint.Add(fmt.Errorf("%s: a different pre-commit hook exists", path), "add the line \"bkt containerfile sync --staged\" to it")
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
