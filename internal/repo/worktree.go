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
	Busy   string // the operation in progress, such as "a merge"; "": none
	Branch string // the checked-out branch
	// Dirty are the paths in the repository of files that are edited, staged, or new.
	Dirty map[string]bool
}

// WorkTree returns the state of git's work tree. It is an error if there is no work
// tree, or no commit.
func (r Repo) WorkTree(ctx context.Context, git Git) (WorkTree, error) {
	out, err := git.Git(ctx, r.Root, nil, "rev-parse", "--show-prefix", "--absolute-git-dir")
	switch {
	case err != nil && r.NoGit(err) != nil:
		return WorkTree{}, err
	case err != nil:
		return WorkTree{}, hint.Add(fmt.Errorf("%s is not in a work tree of git", r.Root), "run \"git init\", and commit the files")
	}
	prefix, dir, _ := strings.Cut(strings.TrimSuffix(string(out), "\n"), "\n")
	status, err := git.Git(ctx, r.Root, nil, "--no-optional-locks", "status", "--porcelain=v2", "--branch", "--untracked-files=all", "--ignore-submodules=dirty", "-z")
	if err != nil {
		return WorkTree{}, err
	}
	w := parseStatus(string(status), prefix)
	if w.Branch == unborn {
		return w, hint.Add(fmt.Errorf("%s has no commit", r.Root), "commit the files")
	}
	if now := inProgress(dir); now != "" {
		w.Busy = now
	}
	return w, abandoned(filepath.Join(dir, "index.lock"))
}

// NoGit returns nil if err, of a command of git, means that there is no repository of
// git, and err otherwise. A bare repository that git refuses to use is one.
func (r Repo) NoGit(err error) error {
	if os.Getenv("GIT_DIR") != "" || strings.Contains(err.Error(), "safe.bareRepository") {
		return err
	}
	for dir := r.Root; ; dir = filepath.Dir(dir) {
		if _, errStat := os.Lstat(filepath.Join(dir, ".git")); !errors.Is(errStat, fs.ErrNotExist) {
			return err
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// maxGit is the longest run of a command of git.
const maxGit = time.Hour

// abandoned returns an error if a killed git left a lock.
func abandoned(lock string) error {
	info, err := os.Stat(lock)
	if err != nil || time.Since(info.ModTime()) < maxGit {
		return nil
	}
	err = fmt.Errorf("%s: git has been running since %s", lock, info.ModTime().Format(time.DateTime))
	return hint.Add(err, "if git is not running, it was killed: remove this file")
}

const unborn = "(initial)"

// parseStatus parses the output of git status --porcelain=v2 --branch -z. prefix is the
// folder of the repository in the work tree.
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
		w.Busy = "a commit without a branch (detached HEAD)"
	case name == "branch.head" && w.Branch == "":
		w.Branch = value
	}
}

func (w *WorkTree) mark(path, prefix string) {
	if name, ok := strings.CutPrefix(path, prefix); ok {
		w.Dirty[name] = true
	}
}

// inProgress returns the operation in progress in a work tree, "" if none. dir is its git
// folder, whose files show the operation (see git's wt-status.c).
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

// ErrLocked is the error of a lock that another bkt holds.
var ErrLocked = errors.New("another bkt is at work")

// TryLock is like [Repo.Lock], but does not wait: it returns ErrLocked.
func (r Repo) TryLock() (*os.File, error) {
	f, err := r.folder().Open("manifests/.")
	if err == nil {
		f, err = flock.TryFile(f, flock.Exclusive)
	}
	return locked(r.Path("manifests"), f, err)
}

// TryLock locks a folder until the result is closed, or returns ErrLocked.
func TryLock(dir string) (*os.File, error) {
	f, err := flock.TryLock(dir, os.O_RDONLY, flock.Exclusive)
	return locked(dir, f, err)
}

// locked returns the result of locking dir for the user.
func locked(dir string, f *os.File, err error) (*os.File, error) {
	switch {
	case errors.Is(err, flock.ErrLocked):
		return nil, ErrLocked
	case err != nil:
		return nil, fmt.Errorf("locking %s: %w", dir, patherr.Reason(err))
	}
	return f, nil
}
