package gen

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/imagerule"
	"bkt/internal/manifest"
	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json/jsontext"
)

// An install is a call of dnf for packages with the same options.
type install struct {
	Arch     value   // the only architectures, as uname -m prints them; "": all
	From     value   // the only repository that the packages come from; "": any
	Repos    []value // enabled for the call
	Options  []value // of dnf
	Packages []value
}

// key is equal for calls with the same options. Packages without options come last:
// what has an origin must not be installed from elsewhere for them.
func (i install) key() string {
	parts := []string{"1", i.From.text, i.Arch.text}
	for _, v := range slices.Concat(i.Options, []value{{}}, i.Repos) {
		parts = append(parts, v.text)
	}
	if i.From.text == "" {
		parts[0] = "2"
	}
	if i.From.text+i.Arch.text == "" && len(i.Options) == 0 {
		parts[0] = "3"
	}
	return strings.Join(parts, "\x00")
}

// A wish is a package to install, with the options of its call of dnf.
type wish struct {
	name value
	install
}

// wishes collects the packages of an image, and what their options say of
// repositories.
type wishes struct {
	input
	manifest manifest.Document[manifest.Packages]
	trace    *trace
	all      []wish
	coprs    []coprRepo
	hasCoprs bool            // the file adds the repositories on COPR
	named    map[string]bool // ids of the repositories that packages name
	external []string        // ids of all external repositories
	enabled  []value         // ids of the external repositories with packages
	ofOthers []wish          // packages of external repositories
}

// collect reads the manifests of packages and of external repositories. It returns the
// folders below /opt that packages install to.
func (w *wishes) collect() ([]optMove, error) {
	w.readNames()
	opt, err := w.readExternal()
	w.coprs, w.named = coprs(w.manifest, w.trace), map[string]bool{}
	var errCopr error
	if len(w.coprs) > 0 {
		w.hasCoprs, errCopr = w.precedesInStage("COPR_REPOS")
	}
	errs := []error{err, errCopr}
	for i, p := range w.manifest.Content.Packages {
		errs = append(errs, w.setOptions(i, p))
	}
	for _, other := range w.ofOthers {
		errs = append(errs, w.merge(other))
	}
	return opt, errors.Join(errs...)
}

// readNames adds the packages and groups of the manifest.
func (w *wishes) readNames() {
	c := w.manifest.Content
	for i, p := range c.Packages {
		name := w.trace.value(p.Name, w.manifest.Entry(c.PackagePointer(i), p.Name, p.Comment))
		w.all = append(w.all, wish{name: name})
	}
	for _, g := range values(w.manifest, "/groups", c.Groups, w.trace) {
		g.text = "@" + strings.TrimPrefix(g.text, "@")
		w.all = append(w.all, wish{name: g})
	}
}

// setOptions sets the options of package i of the manifest.
func (w *wishes) setOptions(i int, p manifest.Package) error {
	at, one := strictjson.Item("/packages", i), &w.all[i]
	one.Arch.text = strings.Join(slices.Sorted(slices.Values(p.Arch)), " ")
	var errs []error
	var err error
	if p.FromRepo != "" {
		one.From, err = w.origin(at+"/from_repo", p.FromRepo, p.Comment)
		errs = append(errs, err)
	}
	for j, name := range p.EnableRepo {
		id, err := w.origin(strictjson.Item(at+"/enable_repo", j), name, p.Comment)
		one.Repos, errs = append(one.Repos, id), append(errs, err)
	}
	for _, text := range options(p) {
		one.Options = append(one.Options, w.trace.value(text, w.entry(one.name)))
	}
	return errors.Join(errs...)
}

// options returns the options of dnf for a package.
func options(p manifest.Package) []string {
	var all []string
	if p.AllowErasing {
		all = append(all, "--allowerasing")
	}
	if p.WeakDeps != nil {
		all = append(all, "--setopt=install_weak_deps="+map[bool]string{false: "False", true: "True"}[*p.WeakDeps])
	}
	for _, name := range slices.Sorted(maps.Keys(p.SetOpt)) {
		all = append(all, "--setopt="+name+"="+p.SetOpt[name])
	}
	return all
}

// origin returns the id of the repository that the manifest names at a pointer. A
// repository on COPR that is not declared, or disabled, is an error; another one may
// be in the base image.
func (w *wishes) origin(at jsontext.Pointer, name, comment string) (value, error) {
	e := w.manifest.Entry(at, name, comment)
	id := w.trace.value(name, e)
	i := slices.IndexFunc(w.coprs, func(c coprRepo) bool { return c.Path.text == name || c.ID.text == name })
	switch {
	case i >= 0:
		id.text = w.coprs[i].ID.text
	case strings.Contains(name, "/"):
		err := fmt.Errorf("%s: the repository %s is not among the enabled ones on COPR", e, strictjson.Quote(name))
		return id, hint.Add(err, "add it to copr_repos in %s", w.manifest.Path)
	case !slices.Contains(w.external, name):
		w.warn(hint.Add(warning("repository", e, fmt.Sprintf("no manifest declares the repository %s for this image", strictjson.Quote(name))),
			"this is right if the base image has it; otherwise declare it in %s", manifest.ExternalReposPath))
	}
	w.named[id.text] = true
	return id, nil
}

// merge adds a package of an external repository, which the manifest or another
// repository may have, too. It then comes from the first of the repositories.
func (w *wishes) merge(other wish) error {
	i := slices.IndexFunc(w.all, func(one wish) bool { return one.name.text == other.name.text })
	if i < 0 {
		w.all = append(w.all, other)
		return nil
	}
	one := &w.all[i]
	if one.From.text == "" {
		one.From = other.From
	}
	if one.From.text == other.From.text {
		return nil
	}
	if w.entry(one.From).File != w.manifest.Path {
		return nil // two external repositories have it: see checkOwners
	}
	err := fmt.Errorf("%s: package %s comes from repository %s here, and from %s at %s",
		w.entry(other.name), other.name, other.From, one.From, w.entry(one.From))
	return hint.Add(err, "name one repository for it")
}

func (w *wishes) entry(v value) manifest.Entry { return w.trace.entries[v.entry-1] }

// reposOf returns the repositories that are enabled to install a package. Those that
// have the only source of a package can provide what that one needs, and nothing for
// other packages.
func (w *wishes) reposOf(i install) []value {
	repos := slices.Clone(i.Repos)
	if i.From.text != "" {
		return sorted(slices.Concat(repos, []value{i.From}, w.enabled))
	}
	for _, c := range w.coprs {
		if w.hasCoprs && !w.named[c.ID.text] {
			repos = append(repos, c.ID)
		}
	}
	return sorted(repos)
}

// installs returns the calls of dnf.
func (w *wishes) installs() []install {
	calls := map[string]install{}
	for _, one := range w.all {
		one.Repos = w.reposOf(one.install)
		call, ok := calls[one.key()]
		if !ok {
			call = one.install
		}
		call.Packages = append(call.Packages, one.name)
		calls[one.key()] = call
	}
	var all []install
	for _, key := range slices.Sorted(maps.Keys(calls)) {
		call := calls[key]
		call.Packages = sorted(call.Packages)
		all = append(all, call)
	}
	return all
}

// swaps returns the replacements of packages.
func (w *wishes) swaps() ([]swap, error) {
	var all []swap
	var errs []error
	for i, s := range w.manifest.Content.Swap {
		at := strictjson.Item("/swap", i)
		e := w.manifest.Entry(at, s.Remove, s.Comment)
		one := swap{Remove: w.trace.value(s.Remove, e), Install: w.trace.value(s.Install, e)}
		if s.FromRepo != "" {
			var err error
			one.From, err = w.origin(at+"/from_repo", s.FromRepo, s.Comment)
			errs = append(errs, err)
		}
		one.Repos = w.reposOf(one.install)
		all = append(all, one)
	}
	sortBy(all, func(s swap) value { return s.Remove })
	return all, errors.Join(errs...)
}

// excluded returns what no call of dnf may install: what the manifest excludes, and
// what it removes.
func (w *wishes) excluded(removed []value) []value {
	c := w.manifest.Content
	all := values(w.manifest, "/excluded", c.Excluded, w.trace)
	for _, v := range removed {
		if w.installsAgain(v) || !manifest.IsExcludable(v.text) {
			continue
		}
		all = append(all, v)
	}
	for i, s := range c.Swap {
		all = append(all, w.trace.value(s.Remove, w.manifest.Entry(strictjson.Item("/swap", i)+"/remove", s.Remove, s.Comment)))
	}
	return sorted(all)
}

// installsAgain reports whether a package that is removed from the base image may be
// among those to install, and warns if it is one of them by name.
func (w *wishes) installsAgain(removed value) bool {
	again := false
	for _, one := range w.all {
		name, spec := imagerule.PackageName(one.name.text), removed.text
		if name == imagerule.PackageName(spec) {
			w.warn(hint.Add(warning("package", w.entry(removed), fmt.Sprintf("package %s is removed from the base image, and then installed, because it is also in packages (at %s)", spec, w.entry(one.name))),
				"take it out of one of the two, unless it comes from another repository than that of the base"))
			return true
		}
		ofRemoved, _ := path.Match(spec, name)
		ofInstalled, _ := path.Match(name, spec)
		again = again || ofRemoved || ofInstalled
	}
	return again
}
