// Package githook plans the pre-commit hook of git that renders managed sections.
package githook

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"bkt/internal/confine"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"
	"bkt/internal/plan"
	"bkt/internal/repo"
	"bkt/internal/shell"
)

// Plan returns the plan that installs the pre-commit hook for an image repository. It is empty if the hook is up to date, or if the user's own hook runs bkt.
//
// A folder outside git, a different pre-commit hook, and a core.hooksPath that other
// repositories share are errors with a hint.
func Plan(ctx context.Context, r repo.Repo) (plan.Plan, error) {
	dir := r.Root
	out, err := host.Query{}.Git(ctx, dir, nil, "rev-parse", "--git-path", "hooks", "--git-common-dir", "--show-toplevel", "--show-prefix")
	if err != nil && r.NoGit(err) != nil {
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
	var within []string
	if !isBelow(hooks, absolute(dir, lines[1])) { // they are files of the repository, such as .husky
		within = repo.Repo{Root: lines[2], Links: r.Links}.Within(filepath.Join(hooks, "pre-commit"))
	}
	return h.write(filepath.Join(hooks, "pre-commit"), within)
}

// maxHook is the size of the largest hook that is read, in bytes.
const maxHook = 1 << 20

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
func (h hook) write(path string, within []string) (plan.Plan, error) {
	old, err := read(path, within)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return plan.Plan{{Op: plan.Add, Targets: []string{"pre-commit hook"}, Steps: []plan.Step{
			plan.Write{Path: path, Name: path, New: []byte(h.text), Mode: 0o755, Within: within},
		}}}, nil
	case err != nil:
		return nil, patherr.TrimOp(err)
	case string(old) == h.text, h.isIn(string(old)):
		return nil, nil
	}
	return nil, hint.Add(fmt.Errorf("%s: a different pre-commit hook exists", path), "add the line \"%s\" to it", h.command)
}

// read reads a hook. Unless within is nil, it is in one of those folders.
func read(path string, within []string) ([]byte, error) {
	if within == nil {
		return plainfile.Read(path, maxHook)
	}
	folder, name, err := confine.Within(within, path)
	if err != nil {
		return nil, err
	}
	f, err := folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return plainfile.ReadAll(f, path, maxHook)
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
