package live

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
	"bkt/internal/statefile"
)

// RepositoryFile, next to the last known states, names the repository they belong to.
const RepositoryFile = "repository"

// SaveBases writes the last known state of each domain: the items that are up to date,
// and those of items that were captured, or merged by applying them. Manifests and facts
// that these items come from must be on disk before.
func (s System) SaveBases(ctx context.Context, domains []*Domain, items []Item) error {
	p, err := s.planBases(domains, items)
	if err != nil {
		return err
	}
	named, err := s.nameRepository(p)
	if err != nil {
		return err
	}
	err = s.Cache.SaveFacts()
	for _, p := range []plan.Plan{named, p} { // a state always has its repository
		if err == nil {
			err = host.Executor{}.Execute(ctx, p, nil)
		}
	}
	return hint.Add(err, "make it writable and run the command again: bkt keeps the last known state there")
}

func (s System) planBases(domains []*Domain, items []Item) (plan.Plan, error) {
	captured, merged := map[*Domain][]string{}, map[*Domain][]string{}
	for _, i := range items {
		switch {
		case i.Result == Captured:
			captured[i.Domain] = append(captured[i.Domain], i.Key)
		case i.Result == Applied && i.Case == reconcile.CaseMerge:
			merged[i.Domain] = append(merged[i.Domain], i.Key)
		}
	}
	var p plan.Plan
	for _, d := range domains {
		if d.Comparison == nil || d.isUndecided(items) {
			continue
		}
		text, differs, err := d.Comparison.Base(captured[d], merged[d])
		if err != nil {
			return nil, err
		}
		switch {
		case differs:
			p = append(p, plan.RewritePrivate(s.Private(), d.basePath, d.base, text)...)
		case host.ReadableByOthers(d.basePath):
			p = append(p, plan.Change{Op: plan.Modify, Targets: []string{d.basePath}, Steps: []plan.Step{plan.Overwrite{Path: d.basePath, Text: d.base, Private: s.Private()}}})
		}
	}
	return p, nil
}

// isUndecided reports whether the last known state of a domain was lost, and a user has to
// decide about an item, or was not asked about all: with a new one, that would no longer be
// known.
func (d *Domain) isUndecided(items []Item) bool {
	return d.LostBase && (d.only != nil || slices.ContainsFunc(items, func(i Item) bool { return i.Domain == d && i.Result == Refused }))
}

// CheckBase returns the error of a last known state of a domain, nil if it is valid. at is
// the path of its file.
func (s System) CheckBase(domain, at string, text []byte) error {
	for _, r := range s.reconcilers() {
		if r.Name() == domain {
			return r.CheckBase(at, text)
		}
	}
	return nil // of a newer bkt
}

// lostBase reports whether there was a last known state at a path, which was damaged.
func lostBase(path string) bool {
	entries, _ := os.ReadDir(filepath.Dir(path)) // without the folder, nothing was lost
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return statefile.IsAway(e.Name(), path) })
}

// nameRepository is the plan that writes RepositoryFile before some last known states.
func (s System) nameRepository(states plan.Plan) (plan.Plan, error) {
	if len(states) == 0 {
		return nil, nil
	}
	path := filepath.Join(s.Private(), "base", s.ID(), RepositoryFile)
	old, err := plainfile.Read(path, plainfile.MaxText)
	if patherr.UnlessMissing(err) != nil {
		return nil, patherr.TrimOp(err)
	}
	return plan.RewritePrivate(s.Private(), path, old, []byte(s.Repo.Root+"\n")), nil
}
