package gen

import (
	"cmp"
	"slices"

	"bkt/internal/manifest"
	"bkt/internal/strictjson"
)

// coprSection is the data for copr.tmpl.
type coprSection struct {
	Manifest string // where repositories are added
	Repos    []coprRepo
}

// A coprRepo is a project on COPR (https://copr.fedorainfracloud.org), named
// and placed like the .repo files that COPR itself hands out.
type coprRepo struct {
	ID       value // of the repository, as dnf's --enablerepo takes it
	Path     value // of the project below /results
	GPGCheck bool
}

func coprData(in input, t *trace) (any, error) {
	d, err := load[manifest.Packages](in.manifestCache, in.manifest)
	if err != nil {
		return nil, err
	}
	return coprSection{in.manifest, coprs(d, t)}, nil
}

// coprs returns the enabled repositories of the manifest, sorted.
func coprs(d manifest.Document[manifest.Packages], t *trace) []coprRepo {
	var repos []coprRepo
	for i, c := range d.Content.Coprs {
		if !c.Enabled() {
			continue
		}
		path := t.value(c.Name, d.Entry(strictjson.Item("/copr_repos", i), c.Name, c.Comment))
		id := path
		id.text = manifest.RepoID(c.Name)
		repos = append(repos, coprRepo{id, path, c.GPGCheck()})
	}
	slices.SortFunc(repos, func(a, b coprRepo) int { return cmp.Compare(a.ID.text, b.ID.text) })
	return repos
}
