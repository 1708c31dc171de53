// Package autocapture captures without asking anyone: it captures changes that were
// made on the system only and have been stable for a while, commits them, and can push
// the commit. It leaves alone files that the user is working on in the repository.
//
// The systemd units that [PlanEnable] installs run it. The package prints nothing: it
// passes what happens to a [Reporter].
package autocapture

import (
	"context"
	"errors"
	"time"

	"bkt/internal/host"
	"bkt/internal/live"
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/repo"
)

// Options are the options of a run.
type Options struct {
	Debounce      time.Duration // capture items that have been unchanged for this long
	Wait          bool          // repeat until every change is that old
	CommitTimeout time.Duration // how long git may take to commit, with its hooks
	Push          bool          // push even if git's configuration does not say so
	MaxNames      int           // how many items a message names
}

// A Reporter receives what a run does.
type Reporter interface {
	// Note receives what the run has just done, or why it does nothing.
	Note(format string, args ...any)
	// Report receives the outcome of each look at the system.
	Report(Outcome) error
}

// An Outcome is what became of the differences of the domains.
type Outcome struct {
	Domains []*live.Domain
	Items   []live.Item

	deferred map[itemID]deferral
}

// Waiting says why an item waits for a later run, "" if it does not.
func (o Outcome) Waiting(i live.Item) string {
	if d, ok := o.deferred[idOf(i)]; ok {
		return "waiting: " + d.reason
	}
	return ""
}

// A run that waits looks at the system this often within one debounce time, and this
// often in all.
const (
	looksPerDebounce = 6
	maxLooks         = 60
)

// Run captures changes that were made on the system only, and commits them. If another
// bkt is working in the repository, it notes that and does nothing.
func Run(ctx context.Context, s live.System, o Options, rep Reporter) error {
	if err := host.MkdirAll(stateFolder(s.Workspace)); err != nil {
		return patherr.TrimOp(err)
	}
	lock, err := repo.TryLock(stateFolder(s.Workspace))
	if errors.Is(err, repo.ErrLocked) {
		rep.Note("busy: another auto-capture is running")
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	for looks := 0; ; looks++ {
		if err := o.pause(ctx); err != nil {
			return err
		}
		unstable, err := runOnce(ctx, s, o, rep)
		if err != nil || !unstable || !o.Wait || looks == maxLooks {
			return err
		}
	}
}

// pause waits before reading the system, so that one run serves many changes.
func (o Options) pause(ctx context.Context) error {
	if !o.Wait {
		return nil
	}
	select {
	case <-time.After(o.Debounce / looksPerDebounce):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// runOnce reads the system once, and captures and commits. It reports whether some
// changes were not stable yet.
func runOnce(ctx context.Context, s live.System, o Options, rep Reporter) (unstable bool, err error) {
	lock, err := s.Repo.TryLock()
	if errors.Is(err, repo.ErrLocked) {
		rep.Note("busy: %v", err)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer lock.Close()
	defer func() {
		if err := s.Cache.Save(); err != nil {
			rep.Note("facts about the system are not saved: %v", err)
		}
	}()
	r, err := newCaptureRun(s, o, rep)
	if err != nil {
		return false, err
	}
	if err := r.look(ctx); err != nil {
		r.deferAll("another problem has to be fixed first")
		return false, r.finish(ctx, err)
	}
	err = r.write(ctx)
	lock.Close() // the hook that renders sections would wait for it
	if err == nil {
		err = r.commit(ctx)
	}
	return r.isUnstable(), r.finish(ctx, errors.Join(err, live.Refusals(r.items, o.MaxNames), r.domainProblems()))
}

// Preview returns what [Run] would capture now, and the plan that writes it. It changes
// nothing. problems are why items were refused, and domains that cannot be read.
func Preview(ctx context.Context, s live.System, o Options, rep Reporter) (found Outcome, p plan.Plan, problems, err error) {
	r, err := newCaptureRun(s, o, rep)
	if err != nil {
		return Outcome{}, nil, nil, err
	}
	if err := r.look(ctx); err != nil {
		return Outcome{}, nil, nil, err
	}
	p, err = r.planWrites(ctx)
	return r.outcome(), p, errors.Join(live.Refusals(r.items, o.MaxNames), r.domainProblems()), err
}
