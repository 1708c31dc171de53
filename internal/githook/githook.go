// Package githook plans the pre-commit hook of git that renders managed sections, and tells
// whether a commit runs bkt: by that hook, or by a manager of hooks.
package githook

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
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

// Plan returns the plan that has git run bkt at a commit in an image repository. It is empty
// if git does so already. If a manager of hooks is in use, the plan changes the configuration
// of that manager, and never a file that the manager writes.
//
// A folder outside git, a different pre-commit hook, a core.hooksPath that other
// repositories share, and a configuration that only a person can change are errors with a
// hint.
func Plan(ctx context.Context, r repo.Repo) (plan.Plan, error) {
	p, err := find(ctx, r)
	if err != nil {
		return nil, err
	}
	return p.plan()
}

// PlanNew is like [Plan] for a repository of git that "git init" will make in the folder of
// r. parent is a folder that exists: r.Root, or one above it.
func PlanNew(ctx context.Context, r repo.Repo, parent string) (plan.Plan, error) {
	h, err := newHook("")
	if err != nil {
		return nil, err
	}
	p := place{Repo: r, hook: h, top: r.Root, common: filepath.Join(r.Root, ".git")}
	p.dir = filepath.Join(p.common, "hooks")
	shared, isSet, err := sharedHooks(ctx, parent)
	switch {
	case err != nil:
		return nil, err
	case isSet && shared == "":
		return nil, errNoHooks
	case isSet:
		p.dir = absolute(r.Root, shared)
	}
	return p.plan()
}

// errNoHooks is the error of a core.hooksPath that names no folder.
var errNoHooks = hint.Add(errors.New("core.hooksPath is empty in git's configuration: git runs no hooks"), "run \"git config --show-origin core.hooksPath\" to see where, and remove it")

// A place is where git finds the hooks of an image repository.
type place struct {
	repo.Repo
	hook
	top    string // of the work tree
	common string // git's own folder
	dir    string // of the hooks
}

// find asks git where the hooks of r are.
func find(ctx context.Context, r repo.Repo) (place, error) {
	dir := r.Root
	out, err := host.Query{}.Git(ctx, dir, nil, "rev-parse", "--git-path", "hooks/pre-commit", "--git-common-dir", "--show-toplevel", "--show-prefix")
	if err != nil && r.NoGit(err) != nil || err != nil && !host.Installed("git") {
		return place{}, err
	}
	if err != nil {
		return place{}, hint.Add(fmt.Errorf("%s is not a git repository", dir), "run \"git init\" in it first")
	}
	lines := strings.Split(string(out), "\n")
	if len(lines) < 4 {
		return place{}, fmt.Errorf("git rev-parse: cannot parse %q", out)
	}
	if lines[0] == "/pre-commit" {
		return place{}, errNoHooks
	}
	h, err := newHook(strings.TrimSuffix(lines[3], "/"))
	return place{r, h, lines[2], absolute(dir, lines[1]), filepath.Dir(absolute(dir, lines[0]))}, err
}

// sharedHooks returns the folder of hooks that the user's own configuration of git names for
// all repositories.
func sharedHooks(ctx context.Context, dir string) (path string, isSet bool, err error) {
	out, err := host.Query{}.Git(ctx, dir, nil, "config", "--global", "--includes", "--type=path", "--get-all", "core.hooksPath")
	if exit, ok := errors.AsType[*host.ExitError](err); ok && exit.Status == 1 { // it is not set
		return "", false, nil
	}
	return strings.TrimSuffix(string(out), "\n"), err == nil, err
}

// plan returns the plan of [Plan].
func (p place) plan() (plan.Plan, error) {
	path := filepath.Join(p.dir, "pre-commit")
	text, err := p.read(path)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !missing:
		return nil, patherr.TrimOp(err)
	case p.isIn(string(text)):
		return nil, checkExecutable(path)
	}
	if m, isInstalled := p.manager(string(text)); m != nil {
		return p.planManaged(*m, isInstalled, string(text))
	}
	switch {
	case p.isShared():
		err := fmt.Errorf("git's folder for hooks, %s, is shared with other repositories (core.hooksPath)", p.dir)
		return nil, hint.Add(err, "call \"%s\" from a hook of your own", p.command)
	case !missing:
		return nil, hint.Add(fmt.Errorf("%s: a different pre-commit hook exists", path), "add the line \"%s\" to it", p.command)
	}
	return plan.Plan{{Op: plan.Add, Targets: []string{"pre-commit hook"}, Steps: []plan.Step{
		plan.Write{Path: path, Name: path, New: []byte(p.text), Mode: 0o755, Within: p.within(path)},
	}}}, nil
}

// isShared reports whether other repositories have the same folder of hooks.
func (p place) isShared() bool { return !isBelow(p.dir, p.common) && !isBelow(p.dir, p.top) }

// within returns the folders that may have a file of the work tree, such as one in .husky,
// nil for a file elsewhere.
func (p place) within(path string) []string {
	if isBelow(path, p.common) || !isBelow(path, p.top) {
		return nil
	}
	return p.workTree().Within(path)
}

// workTree returns the work tree, which has the configuration of managers of hooks.
func (p place) workTree() repo.Repo { return repo.Repo{Root: p.top, Links: p.Links} }

// checkExecutable returns an error if git ignores the hook at path.
func checkExecutable(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Mode()&0o111 != 0 {
		return patherr.TrimOp(err)
	}
	return hint.Add(fmt.Errorf("%s is not executable: git ignores it", path), "run \"chmod +x %s\"", shell.Show(path))
}

// maxHook is the size of the largest hook that is read, in bytes.
const maxHook = 1 << 20

// A hook is the text of the pre-commit hook, and the command in it.
type hook struct {
	text, command string
	call          *regexp.Regexp // matches a line that runs bkt at a commit
}

// offered matches the hooks that this project offers to pre-commit. They work in the top
// folder.
const offered = `|\bid: *["']?bkt-containerfile-(sync|check)\b`

// newHook returns the hook. git runs it in the top folder of the work tree; prefix is
// the path of the image repository below it. The hook does nothing on a branch without
// an image repository.
func newHook(prefix string) (hook, error) {
	manifests, bkt, also := "manifests", "bkt", offered
	if prefix != "" {
		word, err := shell.Quote(prefix)
		if err != nil {
			return hook{}, err
		}
		manifests, bkt, also = word+"/manifests", "bkt -C "+word, ""
	}
	command := bkt + " containerfile sync --staged"
	call, err := regexp.Compile(`\b` + regexp.QuoteMeta(bkt) + `( -[\w-]+)* containerfile (sync|check)\b` + also)
	return hook{"#!/bin/sh\n# Renders the managed sections of what is staged (bkt init --hook).\n" +
		"test -d " + manifests + " || exit 0\nexec " + command + "\n", command, call}, err
}

// isIn reports whether a line of another hook, or of a configuration, runs bkt.
func (h hook) isIn(other string) bool {
	for line := range strings.Lines(other) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "//") && h.call.MatchString(line) {
			return true
		}
	}
	return false
}

// read reads a hook. One in the work tree cannot lead out of it.
func (p place) read(path string) ([]byte, error) {
	within := p.within(path)
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
