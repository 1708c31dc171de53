package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"bkt/gen"
	"bkt/internal/containerfile"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/live"
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
	"bkt/internal/repo"
	"bkt/internal/ui"
)

type autoRunCmd struct {
	ui.Mode
	Settle time.Duration `default:"1m" env:"BKT_AUTO_CAPTURE_SETTLE" placeholder:"TIME" help:"Capture what has stayed as it is for this long ($BKT_AUTO_CAPTURE_SETTLE, or 1m)."`
	Wait   bool          `help:"Wait for that: for what runs bkt at each change."`
	Limit  time.Duration `default:"5m" placeholder:"TIME" help:"How long git may take to commit, with its hooks (5m)."`
	Push   bool          `help:"Push to a branch of this computer, and open a pull request with gh."`
}

// While it waits, a run looks so many times in the time that a change has to
// stay, and so many times in all.
const (
	looksToSettle = 6
	looksInAll    = 60
)

// Run captures what has changed on the system alone, and commits it.
func (c *autoRunCmd) Run(ctx context.Context, a *app) error {
	s, err := thisDesktop()
	if err != nil {
		return err
	}
	if c.Check || c.DryRun {
		return c.preview(ctx, a, s)
	}
	if err := host.MkdirAll(s.autoFolder()); err != nil {
		return patherr.Trim(err)
	}
	lock, err := repo.TryLock(s.autoFolder())
	if errors.Is(err, repo.ErrLocked) {
		a.Note("busy: another auto-capture is at work")
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	for looks := 0; ; looks++ {
		if err := c.pause(ctx); err != nil {
			return err
		}
		unsettled, err := c.once(ctx, a, s)
		if err != nil || !unsettled || !c.Wait || looks == looksInAll {
			return err
		}
	}
}

// pause makes one run of many that changes have been asked for.
func (c *autoRunCmd) pause(ctx context.Context) error {
	if !c.Wait {
		return nil
	}
	select {
	case <-time.After(c.Settle / looksToSettle):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// An autoRound looks at the system once, and captures what is to be captured.
type autoRound struct {
	*autoRunCmd
	a       *app
	system  system
	state   autoState
	now     time.Time
	domains []*live.Domain
	items   []live.Item
	tree    repo.WorkTree
	dirty   map[string]bool   // what is not committed, and is not of an earlier run
	ours    []string          // what is not committed, and is
	texts   map[string][]byte // that are written
	why     map[string]string // why an item waits, by domain and key
}

// round returns one that has not looked yet.
func (c *autoRunCmd) round(a *app, s system) (*autoRound, error) {
	st, err := s.autoState()
	return &autoRound{
		autoRunCmd: c, a: a, system: s, state: st, now: time.Now(),
		dirty: map[string]bool{}, texts: map[string][]byte{}, why: map[string]string{},
	}, err
}

// once is one round, from lock to commit. It reports whether there are changes
// that may yet come to rest.
func (c *autoRunCmd) once(ctx context.Context, a *app, s system) (unsettled bool, err error) {
	lock, err := s.Repo.TryLock()
	if errors.Is(err, repo.ErrLocked) {
		a.Note("busy: %v", err)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer lock.Close()
	defer s.Cache.Save()
	r, err := c.round(a, s)
	if err != nil {
		return false, err
	}
	if err := r.look(ctx); err != nil {
		r.waitAll("something has to be mended first")
		return false, r.conclude(ctx, err)
	}
	err = r.write(ctx)
	lock.Close() // the hook that renders sections would wait for it
	if err == nil {
		err = r.commit(ctx)
	}
	unsettled = slices.ContainsFunc(r.items, func(i live.Item) bool { return r.why[i.Domain.Name()+i.Key] == whyUnsettled })
	return unsettled, r.conclude(ctx, errors.Join(err, a.refusals(r.items), r.broken()))
}

// preview prints what would be captured now.
func (c *autoRunCmd) preview(ctx context.Context, a *app, s system) error {
	r, err := c.round(a, s)
	if err != nil {
		return err
	}
	if err := r.look(ctx); err != nil {
		return err
	}
	p, err := r.rewrites(ctx)
	if err != nil {
		return err
	}
	err = a.printPreview(r.domains, r.items, live.ToManifest, p, c.Mode)
	r.mentionWaiting()
	return errors.Join(err, a.refusals(r.items), r.broken())
}

// look looks at the system, and decides what is captured.
func (r *autoRound) look(ctx context.Context) (err error) {
	if r.domains, err = r.system.Look(ctx, nil); err != nil {
		return err
	}
	r.items = live.Items(r.domains, live.DecideAutoCapture)
	many := r.tooMany()
	r.debounce()
	r.guard(many)
	live.RefuseSecrets(r.items)
	if r.count() == 0 && r.state.Journal == nil {
		return nil
	}
	if r.tree, err = r.system.Repo.WorkTree(ctx, host.Query{}); err != nil {
		return err
	}
	if r.tree.Busy != "" {
		r.waitAll("git is in the middle of " + r.tree.Busy)
		return nil
	}
	r.claim()
	if err := r.waitForOthers(ctx); err != nil || r.count()+len(r.ours) == 0 {
		return err
	}
	return r.identified(ctx)
}

func (r *autoRound) count() int {
	n := 0
	for _, i := range r.items {
		if i.Op != "" {
			n++
		}
	}
	return n
}

const whyUnsettled = "it has changed just now"

// debounce has those wait that may be on their way to another value.
func (r *autoRound) debounce() {
	for n := range r.items {
		if i := &r.items[n]; i.Op != "" && r.now.Sub(r.state.since(*i, r.now)) < r.Settle {
			r.wait(i, whyUnsettled)
		}
	}
}

func (r *autoRound) wait(i *live.Item, why string) {
	i.Op, i.Result = "", live.Waiting
	r.why[i.Domain.Name()+i.Key] = why
}

func (r *autoRound) waitAll(why string) {
	for n := range r.items {
		if r.items[n].Op != "" {
			r.wait(&r.items[n], why)
		}
	}
}

// tooMany says of domains what they would remove, if that may not be meant: all
// that is gone counts, however long it has been.
func (r *autoRound) tooMany() map[string]string {
	many := map[string]string{}
	for _, d := range r.domains {
		many[d.Name()] = d.TooMany(r.items)
	}
	return many
}

// guard refuses removals that are so many that it may be the system that is
// wrong, and all else of their domain.
func (r *autoRound) guard(many map[string]string) {
	for n := range r.items {
		if i := &r.items[n]; i.Op != "" && many[i.Domain.Name()] != "" {
			i.Refuse(hint.Add(errors.New("this would "+many[i.Domain.Name()]), "if it is meant, run \"bkt capture %s\"", i.Domain.Name()))
		}
	}
}

// claim tells what an earlier run has written, and not committed, from what is
// someone else's.
func (r *autoRound) claim() {
	for name := range r.tree.Dirty {
		if r.state.Journal != nil && r.holds(name, r.state.Journal.Files[name]) {
			r.ours = append(r.ours, name)
		} else {
			r.dirty[name] = true
		}
	}
	slices.Sort(r.ours)
}

// holds reports whether a file holds the text of that sum.
func (r *autoRound) holds(name, want string) bool {
	text, err := fs.ReadFile(r.system.Repo.FS(), name)
	return err == nil && sum(text) == want
}

// waitForOthers has those domains wait that would write what someone else has
// edited, or that would bring someone else's edits along.
func (r *autoRound) waitForOthers(ctx context.Context) error {
	for _, d := range r.domains {
		why, err := r.blocked(ctx, d)
		if err != nil {
			return err
		}
		for n := range r.items {
			if i := &r.items[n]; why != "" && i.Domain == d && i.Op != "" {
				r.wait(i, why)
			}
		}
	}
	return nil
}

// blocked says what keeps a domain from being captured.
func (r *autoRound) blocked(ctx context.Context, d *live.Domain) (string, error) {
	of := slices.DeleteFunc(slices.Clone(r.items), func(i live.Item) bool { return i.Domain != d || i.Op == "" })
	if len(of) == 0 {
		return "", nil
	}
	edits, err := r.system.Capture(of)
	if err != nil {
		return "", err
	}
	names := edits.Names()
	for _, f := range r.render(ctx, edits) {
		if f.stale {
			return f.name + ": the sections were not what the manifests say before", nil
		}
		names = append(names, f.name)
	}
	for _, name := range names {
		if r.dirty[name] {
			return name + " has changes that are not committed", nil
		}
	}
	return r.unknowable(ctx, names)
}

// unknowable says which of some files git would not take into a commit, and why.
func (r *autoRound) unknowable(ctx context.Context, names []string) (string, error) {
	for _, name := range names {
		if link := r.linkTo(name); link != "" {
			return link + " is a symbolic link, which git does not follow", nil
		}
	}
	out, err := r.git(ctx, []byte(strings.Join(names, "\x00")), "check-ignore", "-z", "--stdin")
	if ended, ok := errors.AsType[*host.ExitError](err); ok && ended.Status == 1 {
		return "", nil
	}
	name, _, _ := strings.Cut(string(out), "\x00")
	return "git ignores " + name, err
}

// linkTo returns what of the path of a file is a symbolic link, "" if nothing is.
func (r *autoRound) linkTo(name string) string {
	for at := name; at != "."; at = path.Dir(at) {
		if info, err := os.Lstat(r.system.Repo.Path(at)); err == nil && info.Mode().Type() == fs.ModeSymlink {
			return at
		}
	}
	return ""
}

// A change of a Containerfile that edits of manifests bring about.
type rerendering struct {
	name      string
	old, text []byte
	stale     bool // it was not what the manifests said before
}

// render returns the Containerfiles that edits change. One that cannot be
// rendered is left alone: that was so before, or it is told at the commit.
func (r *autoRound) render(ctx context.Context, edits *reconcile.Edits) []rerendering {
	var changed []rerendering
	for _, k := range gen.Images() {
		name := gen.Containerfile(k)
		if !r.system.Repo.Has(name) {
			continue
		}
		before, after := containerfile.Render(ctx, r.system.Repo.FS(), name, containerfile.Unchanged), containerfile.Render(ctx, edits, name, containerfile.Unchanged)
		if before.Err == nil && after.Err == nil && string(before.Text) != string(after.Text) {
			changed = append(changed, rerendering{name, before.Old, after.Text, string(before.Old) != string(before.Text)})
		}
	}
	return changed
}

// rewrites is the plan that writes what is captured.
func (r *autoRound) rewrites(ctx context.Context) (plan.Plan, error) {
	if r.count() == 0 {
		return nil, nil
	}
	edits, err := r.system.Capture(r.items)
	if err != nil {
		return nil, err
	}
	p, err := r.system.Rewrite(edits)
	for _, f := range r.render(ctx, edits) {
		p = append(p, plan.Rewrite(r.system.Repo.Path(f.name), f.name, f.old, f.text)...)
	}
	for _, c := range p {
		for _, s := range c.Steps {
			if w, ok := s.(plan.Write); ok {
				r.texts[w.Name] = w.New
			}
		}
	}
	return p, err
}

// write writes what is captured, and the base. What is going to be committed is
// noted before.
func (r *autoRound) write(ctx context.Context) error {
	p, err := r.rewrites(ctx)
	if err != nil {
		return err
	}
	r.plan()
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

// plan fills the journal with what is to be committed: by now, and by earlier
// runs.
func (r *autoRound) plan() {
	if r.tree.Busy != "" {
		return // what was left is for a later run
	}
	j := journal{map[string]string{}, nil, map[string]int{}}
	if len(r.ours) > 0 {
		for _, name := range r.ours {
			j.Files[name] = r.state.Journal.Files[name]
		}
		j.Lines, j.Items = r.state.Journal.Lines, maps.Clone(r.state.Journal.Items)
	}
	for name, text := range r.texts {
		j.Files[name] = sum(text)
	}
	last := ""
	for _, i := range r.items {
		if i.Op == "" {
			continue
		}
		if i.Domain.Name() != last {
			last = i.Domain.Name()
			j.Lines = append(j.Lines, i.Domain.Name())
		}
		j.Lines = append(j.Lines, "  "+i.Line(live.ToManifest))
		j.Items[i.Domain.Name()]++
	}
	r.state.Journal = &j
	if len(j.Files) == 0 {
		r.state.Journal = nil
	}
}

func (r *autoRound) save(ctx context.Context) error {
	p, err := r.system.save(r.state)
	if err != nil {
		return err
	}
	return host.Executor{}.Execute(ctx, p, func(plan.Change, error) {})
}

// broken joins what is wrong with domains, but for those that cannot be looked
// at: these are left out, and it is said.
func (r *autoRound) broken() error {
	var errs []error
	for _, d := range r.domains {
		switch err := d.Problem(); {
		case err == nil:
		case d.IsUnavailable():
			r.a.Note("left out: %v", err)
		default:
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// conclude notes what came of the round, prints it, and tells the user what
// someone has to see to.
func (r *autoRound) conclude(ctx context.Context, err error) error {
	ctx = context.WithoutCancel(ctx)
	result, before := autoNothing, r.state
	r.state.Pending = nil
	for _, i := range r.items {
		if i.Result == live.Waiting {
			result = autoWaiting
		}
		if i.Result == live.Waiting || i.Result == live.Refused {
			r.state.Pending = append(r.state.Pending, pending{i.Domain.Name(), i.MaskedKey(), i.Sum(), before.since(i, r.now), r.why[i.Domain.Name()+i.Key]})
		}
	}
	if err == nil && r.tree.Busy != "" {
		result = autoWaiting
	}
	if n := live.Count(r.items, live.Captured); n > 0 {
		result = autoCaptured
	}
	if err != nil {
		result = autoFailed
	}
	r.state.end(r.now, result, err)
	r.notify(ctx, err)
	return errors.Join(r.print(), err, r.save(ctx))
}

func (r *autoRound) print() error {
	if r.a.Quiet && !r.a.JSON {
		return nil
	}
	err := r.a.printOutcome(r.domains, r.items, live.ToManifest)
	r.mentionWaiting()
	return err
}

func (r *autoRound) mentionWaiting() {
	r.a.notes(live.Notes(r.items, r.a.maxNamed(), func(i live.Item) string {
		if why := r.why[i.Domain.Name()+i.Key]; why != "" {
			return "waiting: " + why
		}
		return ""
	}))
}

// message is that of the commit.
func (j journal) message(host string) string {
	n := 0
	var counts []string
	for _, domain := range slices.Sorted(maps.Keys(j.Items)) {
		n += j.Items[domain]
		counts = append(counts, fmt.Sprintf("%s=%d", domain, j.Items[domain]))
	}
	changes := "1 change"
	if n != 1 {
		changes = fmt.Sprintf("%d changes", n)
	}
	return fmt.Sprintf("Capture %s on %s\n\n%s\n\nBkt-Host: %s\nBkt-Captured: %s\n",
		changes, host, strings.Join(j.Lines, "\n"), host, strings.Join(counts, " "))
}
