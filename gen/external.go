package gen

import (
	"path"
	"strings"

	"bkt/internal/manifest"
	"bkt/internal/strictjson"
)

// externalSection is the data for external-repos.tmpl.
type externalSection struct {
	Manifest string // where repositories are added
	Repos    []externalRepo
}

// An externalRepo is a package repository for a .repo file
// (dnf5.conf(5)).
type externalRepo struct {
	ID, Name, BaseURL, GPGKey value
	Packages                  []value // the only ones that may come from it
}

func externalData(in input, t *trace) (any, error) {
	d, err := load[manifest.ExternalRepos](in.manifestCache, in.manifest)
	if err != nil {
		return nil, err
	}
	s := externalSection{Manifest: in.manifest}
	for i, r := range d.Content.Repos {
		at := strictjson.Item("/repos", i)
		e := d.Entry(at, r.Name, r.Comment)
		s.Repos = append(s.Repos, externalRepo{
			ID:       t.value(r.Name, e),
			Name:     t.value(r.DisplayName, e),
			BaseURL:  t.value(r.BaseURL, d.Entry(at+"/baseurl", r.BaseURL, r.Comment)),
			GPGKey:   t.value(r.GPGKey, d.Entry(at+"/gpg_key", r.GPGKey, r.Comment)),
			Packages: sorted(values(d, at+"/packages", r.Packages, t)),
		})
	}
	sortBy(s.Repos, func(r externalRepo) value { return r.ID })
	return s, nil
}

// readExternal reads the external repositories and their packages. It returns the
// folders below /opt that these install to.
func (w *wishes) readExternal() ([]optMove, error) {
	d, err := load[manifest.ExternalRepos](w.manifestCache, manifest.ExternalReposPath)
	if err != nil || w.image != System || len(d.Content.Repos) == 0 {
		return nil, err
	}
	for _, r := range d.Content.Repos {
		w.external = append(w.external, r.Name)
	}
	added, err := w.precedesInStage("EXTERNAL_REPOS")
	if !added {
		return nil, err
	}
	var opt []optMove
	for i, r := range d.Content.Repos {
		at := strictjson.Item("/repos", i)
		if len(r.Packages) == 0 {
			continue
		}
		id := w.trace.value(r.Name, d.Entry(at, r.Name, r.Comment))
		w.enabled = append(w.enabled, id)
		for _, name := range values(d, at+"/packages", r.Packages, w.trace) {
			w.ofOthers = append(w.ofOthers, wish{name, install{From: id}})
		}
		if folder := r.OptFolder(); folder != "" {
			opt = append(opt, newOptMove(folder, d.Entry(at+"/opt_path", r.OptPath, r.Comment), w.trace))
		}
	}
	sortBy(opt, func(o optMove) value { return o.From })
	return opt, nil
}

// An optMove moves a folder from /opt, which is empty or not writable on the
// running host, to where images have their files, and links it at boot
// (tmpfiles.d(5)).
type optMove struct {
	From, Parent, To value
	Link             value // the line of tmpfiles.d
	Conf             value // the file with that line
}

func newOptMove(folder string, e manifest.Entry, t *trace) optMove {
	from, to := path.Join("/opt", folder), path.Join("/usr/lib/opt", folder)
	percent := strings.NewReplacer("%", "%%", `\`, `\\`, `"`, `\"`)
	return optMove{
		From:   t.value(from, e),
		Parent: t.value(path.Dir(to), e),
		To:     t.value(to, e),
		Link:   t.value(`L+ "`+percent.Replace(from)+`" - - - - `+percent.Replace(to), e),
		Conf:   t.value("/usr/lib/tmpfiles.d/bkt-opt-"+strings.ReplaceAll(folder, "/", "-")+".conf", e),
	}
}
