package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bkt/internal/flock"
	"bkt/internal/hint"
	"bkt/internal/patherr"
)

// A WorkTree is the state of git's work tree around a repository.
type WorkTree struct {
	Busy   string // what git is in the middle of, such as "a merge"; "": nothing
	Branch string // that is checked out
	// Dirty are the paths in the repository of what is not as it was committed:
	// edited, staged, or new.
	Dirty map[string]bool
}

// WorkTree returns the state of git's work tree. It is an error if there is no work
// tree, or no commit.
func (r Repo) WorkTree(ctx context.Context, git Git) (WorkTree, error) {
	out, err := git.Git(ctx, r.Root, nil, "rev-parse", "--show-prefix", "--absolute-git-dir")
	switch {
	case err != nil && strings.Contains(err.Error(), "safe.directory"):
		return WorkTree{}, err // it is someone else's, and git says what to do
	case err != nil && r.NoGit(err) != nil:
		return WorkTree{}, err
	case err != nil:
		return WorkTree{}, hint.Add(fmt.Errorf("%s is not in a work tree of git", r.Root), "make it one with \"git init\", and commit what is there")
	}
	prefix, dir, _ := strings.Cut(strings.TrimSuffix(string(out), "\n"), "\n")
	status, err := git.Git(ctx, r.Root, nil, "--no-optional-locks", "status", "--porcelain=v2", "--branch", "--untracked-files=all", "-z")
	if err != nil {
		return WorkTree{}, err
	}
	w := parseStatus(string(status), prefix)
	if w.Branch == unborn {
		return w, hint.Add(fmt.Errorf("%s: nothing was ever committed", r.Root), "commit what is there")
	}
	if now := inProgress(dir); now != "" {
		w.Busy = now
	}
	return w, abandoned(filepath.Join(dir, "index.lock"))
}

// NoGit returns nil if err, of a command of git, means that there is no repository of
// git, and err otherwise.
func (r Repo) NoGit(err error) error {
	if os.Getenv("GIT_DIR") != "" {
		return err
	}
	for dir := r.Root; ; dir = filepath.Dir(dir) {
		if _, errLook := os.Lstat(filepath.Join(dir, ".git")); !errors.Is(errLook, fs.ErrNotExist) {
			return err
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// longest is how long a command of git may run.
const longest = time.Hour

// abandoned returns an error if git has left a lock.
func abandoned(lock string) error {
	info, err := os.Stat(lock)
	if err != nil || time.Since(info.ModTime()) < longest {
		return nil
	}
	err = fmt.Errorf("%s: git has been at work since %s", lock, info.ModTime().Format(time.DateTime))
	return hint.Add(err, "if no git is running, remove this file: one was killed")
}

const unborn = "(initial)"

// parseStatus parses what git status --porcelain=v2 --branch -z prints. prefix is
// the folder of the repository in the work tree.
func parseStatus(status, prefix string) WorkTree {
	w := WorkTree{Dirty: map[string]bool{}}
	lines := strings.Split(status, "\x00")
	for i := 0; i < len(lines); i++ {
		kind, rest, _ := strings.Cut(lines[i], " ")
		switch kind {
		case "#":
			w.header(rest)
			continue
		case "u":
			w.Busy = "a conflict in its index"
		case "2": // renamed: the old name follows
			i++
			w.mark(lines[i], prefix)
		}
		if n, ok := fieldsBefore[kind]; ok {
			fields := strings.SplitN(rest, " ", n+1)
			w.mark(fields[len(fields)-1], prefix)
		}
	}
	return w
}

// fieldsBefore says how many fields of a line of each kind come before the path.
var fieldsBefore = map[string]int{"1": 7, "2": 8, "u": 9, "?": 0}

func (w *WorkTree) header(text string) {
	switch name, value, _ := strings.Cut(text, " "); {
	case name == "branch.oid" && value == unborn:
		w.Branch = unborn
	case name == "branch.head" && value == "(detached)":
		w.Busy = "a commit that no branch is at (detached HEAD)"
	case name == "branch.head" && w.Branch == "":
		w.Branch = value
	}
}

func (w *WorkTree) mark(path, prefix string) {
	if name, ok := strings.CutPrefix(path, prefix); ok {
		w.Dirty[name] = true
	}
}

// inProgress returns what is under way in a work tree whose own files git has in
// dir, by the files that git notes it in (git's wt-status.c).
func inProgress(dir string) string {
	for _, p := range []struct{ file, what string }{
		{"MERGE_HEAD", "a merge"},
		{"rebase-merge", "a rebase"},
		{"rebase-apply", "a rebase"},
		{"CHERRY_PICK_HEAD", "a cherry-pick"},
		{"REVERT_HEAD", "a revert"},
		{"sequencer", "a cherry-pick or revert of several commits"}, // between two of them
		{"BISECT_LOG", "a bisection"},
		{"index.lock", "another command"},
	} {
		if exists(filepath.Join(dir, p.file)) {
			return p.what
		}
	}
	return ""
}

// ErrLocked says that another bkt holds a lock.
var ErrLocked = errors.New("another bkt is at work")

// TryLock is like [Repo.Lock], but does not wait: it returns ErrLocked.
func (r Repo) TryLock() (*os.File, error) { return TryLock(r.Path("manifests")) }

// TryLock locks a folder until the result is closed, or returns ErrLocked.
func TryLock(dir string) (*os.File, error) {
	f, err := flock.TryLock(dir, os.O_RDONLY, flock.Exclusive)
	switch {
	case errors.Is(err, flock.ErrLocked):
		return nil, ErrLocked
	case err != nil:
		return nil, fmt.Errorf("locking %s: %w", dir, patherr.Reason(err))
	}
	return f, nil
}
