package live

import (
	"context"
	"errors"
	"slices"

	"bkt/gen"
	"bkt/internal/domains"
	"bkt/internal/host"
)

// LearnPackages asks running containers which packages were installed by hand, if the
// domains that are asked for have containers. The next Look knows the answers, and later
// commands do if the cache is saved. Packages of the toolbox's container belong to
// the toolbox image, so it is not asked. notes say which containers could not answer.
func (s System) LearnPackages(ctx context.Context, asked []string) (notes []string, err error) {
	all, err := s.choose(asked)
	if err != nil || !slices.ContainsFunc(all, func(c chosen) bool { return c.Name() == "distrobox" }) {
		return nil, err
	}
	except := ""
	toolbox, err := domains.Toolbox(s.Repo.FS())
	switch {
	case errors.Is(err, domains.ErrNoToolbox):
	case err != nil:
		return nil, nil // the container to skip is unknown; Look reports the error
	case s.Repo.Has(gen.Containerfile(gen.Toolbox)):
		except = toolbox.Name
	}
	ctx, cancel := context.WithTimeout(ctx, domainTimeout)
	defer cancel()
	for _, note := range domains.Distrobox(s.Folders, s.Cache).Learn(ctx, host.Query{}, except) {
		notes = append(notes, "distrobox: "+note)
	}
	return notes, nil
}
