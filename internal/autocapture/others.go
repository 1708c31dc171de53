package autocapture

import (
	"context"
	"io/fs"
	"slices"

	"bkt/internal/live"
)

// splitDirty separates the uncommitted files that an earlier run wrote from those that
// someone else changed.
func (r *captureRun) splitDirty() {
	for name := range r.tree.Dirty {
		if r.state.Journal != nil && r.state.Journal.Files[name] != "" && r.hasHash(name, r.state.Journal.Files[name]) {
			r.unfinished = append(r.unfinished, name)
		} else {
			r.edited[name] = true
		}
	}
	slices.Sort(r.unfinished)
	r.readJournal()
}

// readJournal finds out how far an earlier run came that could not finish its work.
func (r *captureRun) readJournal() {
	if r.state.Journal == nil {
		return
	}
	for name, after := range r.state.Journal.Files {
		switch before, isKnown := r.state.Journal.Before[name]; {
		case r.tree.Dirty[name]: // it is among unfinished or edited
		case r.hasHash(name, after):
			r.state.Unpushed = true // it was committed, and the run could not note that
		case isKnown && r.hasHash(name, before):
			r.unwritten[name] = true
		}
	}
}

// hasHash reports whether a file of the repository has a text with that hash.
func (r *captureRun) hasHash(name, want string) bool {
	text, err := fs.ReadFile(r.system.Repo.FS(), name)
	return err == nil && hash(text) == want
}

// deferBlocked defers the domains whose capture would change a file that someone else
// has edited, or would include someone else's edits.
func (r *captureRun) deferBlocked(ctx context.Context) error {
	for _, d := range r.domains {
		reason, err := r.blocked(ctx, d)
		if err != nil {
			return err
		}
		for n := range r.items {
			if i := &r.items[n]; reason != "" && i.Domain == d && i.Op != "" {
				r.deferItem(i, deferral{reason: reason})
			}
		}
	}
	return nil
}

// blocked returns why a domain cannot be captured now, "" if it can.
func (r *captureRun) blocked(ctx context.Context, d *live.Domain) (string, error) {
	items := slices.DeleteFunc(slices.Clone(r.items), func(i live.Item) bool { return i.Domain != d || i.Op == "" })
	if len(items) == 0 {
		return "", nil
	}
	edits, err := r.system.Capture(items)
	if err != nil {
		return "", err
	}
	names := edits.Names()
	for _, f := range rerender(ctx, r.system.Repo, edits, r.unwritten) {
		if f.stale && !r.unwritten[f.name] && !slices.Contains(r.unfinished, f.name) {
			return f.name + ": its sections already differed from the manifests", nil
		}
		names = append(names, f.name)
	}
	for _, name := range names {
		if r.edited[name] {
			return name + " has uncommitted changes", nil
		}
	}
	return r.uncommittable(ctx, names)
}

// uncommittable says which of some files git would not commit, and why; "" if it would
// commit them all.
func (r *captureRun) uncommittable(ctx context.Context, names []string) (string, error) {
	for _, name := range names {
		if link := r.system.Repo.FirstLink(name); link != "" {
			return link + " is a symbolic link, which git does not follow", nil
		}
	}
	name, err := r.git.ignored(ctx, names)
	if name == "" || err != nil {
		return "", err
	}
	return "git ignores " + name, nil
}
