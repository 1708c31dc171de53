package gen

import (
	"path"
	"slices"
	"strings"

	"bkt/internal/manifest"
	"bkt/internal/paths"
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
	ID, Name     value
	BaseURL      value   // of the repository; empty if it has one of the others
	Metalink     value   // URL of a list of mirrors with checksums
	Mirrorlist   value   // URL of a list of mirrors
	GPGKey       value   // the first of the keys
	Keys         []value // URLs of the keys for signatures
	RepoGPGCheck bool    // its index must be signed
}

func externalData(in input, t *trace) (any, error) {
	d, err := load[manifest.ExternalRepos](in.manifestCache, in.manifest)
	if err != nil {
		return nil, err
	}
	s := externalSection{Manifest: in.manifest}
	for i, r := range d.Content.Repos {
		s.Repos = append(s.Repos, newExternalRepo(d, i, r, t))
	}
	sortBy(s.Repos, func(r externalRepo) value { return r.ID })
	return s, in.checkOwners(d)
}

func newExternalRepo(d manifest.Document[manifest.ExternalRepos], i int, r manifest.ExternalRepo, t *trace) externalRepo {
	at := strictjson.Item("/repos", i)
	e := d.Entry(at, r.Name, r.Comment)
	repo := externalRepo{
		ID:           t.value(r.Name, e),
		Name:         t.value(r.DisplayName, e),
		RepoGPGCheck: r.RepoGPGCheck,
	}
	for _, f := range []struct {
		to         *value
		name, text string
	}{{&repo.BaseURL, "baseurl", r.BaseURL}, {&repo.Metalink, "metalink", r.Metalink}, {&repo.Mirrorlist, "mirrorlist", r.Mirrorlist}} {
		if f.text != "" {
			*f.to = t.value(f.text, d.Entry(at.AppendToken(f.name), f.text, r.Comment))
		}
	}
	if r.GPGKey != "" {
		repo.Keys = append(repo.Keys, t.value(r.GPGKey, d.Entry(at+"/gpg_key", r.GPGKey, r.Comment)))
	}
	repo.Keys = append(repo.Keys, sorted(values(d, at+"/gpg_keys", r.GPGKeys, t))...)
	repo.GPGKey = repo.Keys[0]
	return repo
}

// readExternal reads the external repositories and their packages. It returns the
// folders below /opt that these install to. A section that the file lacks gets them, too:
// they are the entries that it is missing for.
func (w *wishes) readExternal() ([]optMove, error) {
	d, err := load[manifest.ExternalRepos](w.manifestCache, manifest.ExternalReposPath)
	if err != nil || w.image != System || len(d.Content.Repos) == 0 {
		return nil, err
	}
	for _, r := range d.Content.Repos {
		w.external = append(w.external, r.Name)
	}
	added, err := w.precedesInStage("EXTERNAL_REPOS")
	if !added && w.present {
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
	return outermost(opt), nil
}

// scratch returns the folders whose files are not for the image. Programs of a toolbox
// may need folders in /run, which nothing makes when a container starts. A repository in
// one of the folders must be there for dnf.
func (in input) scratch() []string {
	folders := []string{"/run", "/tmp"}
	if in.image == Toolbox {
		return folders[1:]
	}
	d, err := load[manifest.ExternalRepos](in.manifestCache, manifest.ExternalReposPath)
	if err != nil {
		return folders // section EXTERNAL_REPOS has the error
	}
	return slices.DeleteFunc(folders, func(folder string) bool {
		return slices.ContainsFunc(d.Content.Repos, func(r manifest.ExternalRepo) bool { return r.IsBelow(folder) })
	})
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
		To:     t.value(to, e),
		Parent: t.value(path.Dir(to), e),
		Link:   t.value(`L+ "`+percent.Replace(from)+`" - - - - `+percent.Replace(to), e),
		Conf:   t.value(optConf(strings.ReplaceAll(folder, "/", "-")), e),
	}
}

func optConf(name string) string { return "/usr/lib/tmpfiles.d/bkt-opt-" + name + ".conf" }

// separateConfs gives the moves that would write the same file names of their own: those of
// folders such as a/b and a-b, as systemd escapes paths (systemd-escape(1)).
func separateConfs(moves []optMove) {
	uses := map[string]int{}
	for _, o := range moves {
		uses[o.Conf.text]++
	}
	escape := strings.NewReplacer("/", "-", "-", `\x2d`, `\`, `\x5c`)
	for i, o := range moves {
		if uses[o.Conf.text] > 1 {
			moves[i].Conf.text = optConf(escape.Replace(strings.TrimPrefix(o.From.text, "/opt/")))
		}
	}
}

// outermost sorts the moves, drops those of folders that move with another one, and gives
// each a file of its own.
func outermost(moves []optMove) []optMove {
	sortBy(moves, func(o optMove) value { return o.From })
	var kept []optMove
	for _, o := range moves {
		if !slices.ContainsFunc(kept, func(k optMove) bool { return paths.Within(o.From.text, k.From.text) }) {
			kept = append(kept, o)
		}
	}
	separateConfs(kept)
	return kept
}
