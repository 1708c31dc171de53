package autocapture

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bkt/internal/hint"
)

// commit commits the journal, unless git is busy, and pushes unpushed commits.
func (r *captureRun) commit(ctx context.Context) error {
	if r.state.Journal == nil && !r.state.Unpushed {
		return nil
	}
	if err := r.git.checkConfig(ctx); err != nil {
		return err
	}
	if r.state.Journal != nil && r.tree.Busy == "" {
		branch, err := r.git.currentBranch(ctx) // bkt's lock does not stop git
		if err != nil {
			return err
		}
		if branch == "" || branch != r.tree.Branch {
			r.tree.Busy = "a change of branches"
		}
	}
	if r.state.Journal != nil && r.tree.Busy == "" {
		if err := r.commitJournal(ctx, *r.state.Journal); err != nil {
			return err
		}
	}
	if !r.state.Unpushed {
		return nil
	}
	return r.push(ctx)
}

// commitJournal commits the files that still have the text that the journal lists. The
// others were edited since, and are left to their editor.
func (r *captureRun) commitJournal(ctx context.Context, j journal) error {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(j.Files)) {
		if r.hasHash(name, j.Files[name]) {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		if err := r.commitFiles(ctx, names, j.message(r.system.Host)); err != nil {
			return err
		}
		r.state.Committed, r.state.Unpushed, r.state.Captured = &r.now, true, j.count()
	}
	r.state.Journal = nil
	return nil
}

func (r *captureRun) commitFiles(ctx context.Context, names []string, message string) error {
	late := hint.Add(fmt.Errorf("git commit timed out after %s", r.CommitTimeout),
		"run \"git commit\" in %s to see what it waits for: a hook, or the passphrase of a signing key", r.system.Repo.Root)
	ctx, cancel := context.WithTimeoutCause(ctx, r.CommitTimeout, late)
	defer cancel()
	if err := r.git.commit(ctx, names, message); err != nil {
		return hint.Add(err, "nothing is lost: the captured changes are in the work tree. Fix the cause, and commit %s, or let the next run do it", strings.Join(names, ", "))
	}
	commit, err := r.git.output(ctx, "rev-parse", "--short", "HEAD")
	r.state.Commit = strings.TrimSpace(string(commit))
	r.reporter.Note("committed %s", r.state.Commit)
	return err
}
