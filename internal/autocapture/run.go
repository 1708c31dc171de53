package autocapture

import (
	"context"
	"errors"
	"slices"
	"time"

	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/live"
	"bkt/internal/plan"
	"bkt/internal/repo"
)

// A captureRun reads the system once, and captures items.
type captureRun struct {
	Options
	system   live.System
	git      gitRepo
	reporter Reporter
	state    state // of the last run, and then of this one
	now      time.Time

	domains    []*live.Domain
	items      []live.Item
	deferred   map[itemID]deferral
	tree       repo.WorkTree
	edited     map[string]bool // uncommitted files with someone else's changes
	unfinished []string        // uncommitted files that earlier runs wrote
	unwritten  map[string]bool // files that an earlier run was about to write
}

// An itemID identifies an item.
type itemID struct {
	domain *live.Domain
	key    string
}

func idOf(i live.Item) itemID { return itemID{i.Domain, i.Key} }

// A deferral is why an item waits for a later run.
type deferral struct {
	reason   string
	unstable bool // it changed a moment ago
}

// newCaptureRun returns a run that has not looked yet.
func newCaptureRun(s live.System, o Options, rep Reporter) (*captureRun, error) {
	st, err := readState(s.Workspace)
	return &captureRun{
		Options: o, system: s, git: gitRepo{s.Repo.Root}, reporter: rep, state: st, now: time.Now(),
		deferred: map[itemID]deferral{}, edited: map[string]bool{}, unwritten: map[string]bool{},
	}, err
}

// look looks at the system, and decides which items are captured.
func (r *captureRun) look(ctx context.Context) (err error) {
	if r.domains, err = r.system.Look(ctx, nil); err != nil {
		return err
	}
	r.items = live.Items(r.domains, live.DecideAutoCapture)
	tooMany := r.tooMany() // before the debounce: all missing items count
	r.debounce()
	r.refuseDomains(tooMany)
	live.RefuseSecrets(r.items)
	if !live.Changing(r.items) && r.state.Journal == nil {
		return nil
	}
	if err := r.git.checkConfig(ctx); err != nil {
		return err
	}
	if r.tree, err = r.system.Repo.WorkTree(ctx, host.Query{}); err != nil {
		return err
	}
	if r.tree.Busy != "" {
		r.deferAll("git is in the middle of " + r.tree.Busy)
		return nil
	}
	r.splitDirty()
	if err := r.deferBlocked(ctx); err != nil || !live.Changing(r.items) && len(r.unfinished) == 0 {
		return err
	}
	return r.git.checkIdentity(ctx)
}

// debounce defers items that changed a moment ago: they may be about to change again.
func (r *captureRun) debounce() {
	for n := range r.items {
		if i := &r.items[n]; i.Op != "" && r.now.Sub(r.state.unchangedSince(*i, r.now)) < r.Debounce {
			r.deferItem(i, deferral{"it changed just now", true})
		}
	}
}

// deferItem leaves an item to a later run.
func (r *captureRun) deferItem(i *live.Item, d deferral) {
	i.Op, i.Result = "", live.Waiting
	r.deferred[idOf(*i)] = d
}

// deferAll leaves all items that would be captured to a later run.
func (r *captureRun) deferAll(reason string) {
	for n := range r.items {
		if i := &r.items[n]; i.Op != "" {
			r.deferItem(i, deferral{reason: reason})
		}
	}
}

// isUnstable reports whether an item was deferred because it changed a moment ago.
func (r *captureRun) isUnstable() bool {
	for _, d := range r.deferred {
		if d.unstable {
			return true
		}
	}
	return false
}

// tooMany lists for each domain what a capture would remove, if that is so much that
// the user may not intend it.
func (r *captureRun) tooMany() map[*live.Domain]string {
	all := map[*live.Domain]string{}
	for _, d := range r.domains {
		all[d] = d.TooMany(r.items)
	}
	return all
}

// refuseDomains refuses all items of the domains that would lose too many: the system
// may be broken.
func (r *captureRun) refuseDomains(tooMany map[*live.Domain]string) {
	for n := range r.items {
		if i := &r.items[n]; i.Op != "" && tooMany[i.Domain] != "" {
			i.Refuse(hint.Add(errors.New("this would "+tooMany[i.Domain]), "if that is intended, run \"bkt capture %s\"; to bring them back, run \"bkt apply --restore %[1]s\"", i.Domain.Name()))
		}
	}
}

// planWrites plans to write the captured items into their manifests, and the sections
// that change with them, or that an earlier run could not write, into Containerfiles.
func (r *captureRun) planWrites(ctx context.Context) (plan.Plan, error) {
	if !live.Changing(r.items) && len(r.unwritten) == 0 {
		return nil, nil
	}
	edits, err := r.system.Capture(r.items)
	if err != nil {
		return nil, err
	}
	p, err := r.system.Rewrite(edits)
	for _, f := range rerender(ctx, r.system.Repo, edits, r.unwritten) {
		p = append(p, r.system.Repo.Rewrite(f.name, f.old, f.text)...)
	}
	return p, err
}

// write writes the captured items, and the last known state. It saves the journal first.
func (r *captureRun) write(ctx context.Context) error {
	p, err := r.planWrites(ctx)
	if err != nil {
		return err
	}
	r.updateJournal(p)
	if r.state.Journal != nil && len(p) > 0 {
		if err := r.save(ctx); err != nil {
			return err
		}
	}
	if err := live.ExecuteCapture(ctx, p, r.items); err != nil {
		return err
	}
	return r.system.SaveBases(ctx, r.domains, r.items)
}

// updateJournal makes the journal list what this run writes, and the unfinished files of
// earlier runs. While git is busy, those are left to a later run.
func (r *captureRun) updateJournal(p plan.Plan) {
	if r.tree.Busy == "" {
		r.state.Journal = newJournal(r.state.Journal, r.unfinished, writesOf(p), r.items)
	}
}

// writesOf returns the files that a plan writes.
func writesOf(p plan.Plan) (all []plan.Write) {
	for _, c := range p {
		for _, s := range c.Steps {
			if w, ok := s.(plan.Write); ok {
				all = append(all, w)
			}
		}
	}
	return all
}

func (r *captureRun) save(ctx context.Context) error {
	p, err := r.state.save(r.system.Workspace)
	if err != nil {
		return err
	}
	return host.Executor{}.Execute(ctx, p, nil)
}

// domainProblems joins the errors of domains, except of those that could not be read: these
// are skipped, and reported. The log of the units has such a line once, until it changes.
func (r *captureRun) domainProblems() error {
	for _, line := range live.AllUnread(r.domains) {
		if !r.Wait || !slices.Contains(r.state.Unread, line) {
			r.reporter.Note("not read: %s", line)
		}
	}
	var errs []error
	for _, d := range r.domains {
		if !d.IsUnavailable() {
			errs = append(errs, d.Problem())
		}
	}
	return errors.Join(errs...)
}

func (r *captureRun) outcome() Outcome { return Outcome{r.domains, r.items, r.deferred} }

// finish saves how the run ended, reports it, and notifies the user of an error.
func (r *captureRun) finish(ctx context.Context, err error) error {
	ctx = context.WithoutCancel(ctx)
	r.state.Pending, r.state.Unread = r.pending(), live.AllUnread(r.domains)
	r.state.setResult(r.now, r.result(err), err)
	r.state.LastNotified = notify(ctx, r.state.LastNotified, errors.Join(err, unreadError(r.state.Unread)))
	return errors.Join(r.reporter.Report(r.outcome()), err, r.save(ctx))
}

// pending returns the items that wait, or were refused, and since when they have had
// their values.
func (r *captureRun) pending() []PendingItem {
	var all []PendingItem
	for _, i := range r.items {
		if i.Result == live.Waiting || i.Result == live.Refused {
			all = append(all, PendingItem{i.Domain.Name(), i.MaskedKey(), i.Sum(), r.state.unchangedSince(i, r.now), r.deferred[idOf(i)].reason})
		}
	}
	return all
}

// result returns how a run with that error ended.
func (r *captureRun) result(err error) Result {
	switch {
	case err != nil:
		return Failed
	case live.Count(r.items, live.Captured) > 0:
		return Captured
	case live.Count(r.items, live.Waiting) > 0, r.tree.Busy != "":
		return Waiting
	}
	return Nothing
}
