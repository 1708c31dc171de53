package live

import (
	"context"
	"os"
	"path/filepath"

	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
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
		if d.Comparison == nil {
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

// nameRepository is the plan that writes RepositoryFile before some last known states.
func (s System) nameRepository(states plan.Plan) (plan.Plan, error) {
	if len(states) == 0 {
		return nil, nil
	}
	path := filepath.Join(s.Private(), "base", s.ID(), RepositoryFile)
	old, err := os.ReadFile(path)
	if patherr.UnlessMissing(err) != nil {
		return nil, patherr.TrimOp(err)
	}
	return plan.RewritePrivate(s.Private(), path, old, []byte(s.Repo.Root+"\n")), nil
}
