package gen

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"bkt/internal/hint"
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
	Chroot   value // the folder of the project
	GPGCheck bool
}

func coprData(in input, t *trace) (any, error) {
	d, err := load[manifest.Packages](in.manifestCache, in.manifest)
	if err != nil {
		return nil, err
	}
	s := coprSection{in.manifest, coprs(d, t)}
	var errs []error
	for i, r := range s.Repos {
		if r.Chroot.text == "" && in.present {
			s.Repos[i].Chroot.text, err = in.chroot(t.entries[r.ID.entry-1])
			errs = append(errs, err)
		}
	}
	return s, errors.Join(errs...)
}

// chroot returns the chroot of a repository without one, the entry e.
func (in input) chroot(e manifest.Entry) (string, error) {
	chroot, known := chrootFor(in.base)
	if known {
		return chroot, nil
	}
	err := fmt.Errorf("%s: COPR repository %s: the name of the base image, %s, does not tell which chroot is for it", e, e.Text, in.base)
	return "", hint.Add(err, `add "chroot", with one of the folders in https://download.copr.fedorainfracloud.org/results/%s/, such as "epel-10-$basearch"`, e.Text)
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
		chroot := value{c.Chroot, path.entry}
		if c.Chroot != "" {
			chroot = t.value(c.Chroot, d.Entry(strictjson.Item("/copr_repos", i)+"/chroot", c.Chroot, c.Comment))
		}
		repos = append(repos, coprRepo{id, path, chroot, c.GPGCheck()})
	}
	slices.SortFunc(repos, func(a, b coprRepo) int { return cmp.Compare(a.ID.text, b.ID.text) })
	return repos
}
