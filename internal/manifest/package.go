package manifest

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json/jsontext"
)

// A Package is a package that dnf installs. A string is short for one without other
// fields.
type Package struct {
	Name         string            `json:"name"`                   // dnf spec; with from_repo a name, with or without version and architecture
	FromRepo     string            `json:"from_repo,omitempty"`    // the only repository that it comes from: an id, or a name in copr_repos
	EnableRepo   []string          `json:"enable_repo,omitempty"`  // repositories to enable for its install, in the same form
	SetOpt       map[string]string `json:"setopt,omitempty"`       // dnf's settings for its install, such as {"tsflags": "nodocs"}
	AllowErasing bool              `json:"allow_erasing,omitzero"` // installed packages may be removed if they conflict with it
	WeakDeps     *bool             `json:"weak_deps,omitempty"`    // whether packages that it recommends are installed, too; default: dnf's
	Arch         []string          `json:"arch,omitempty"`         // the only architectures that it is installed on; default: all
	Comment      string            `json:"comment,omitempty"`
	Bare         bool              `json:"-"` // written as a string
}

// PlainPackages returns packages without options.
func PlainPackages(specs ...string) []Package {
	var all []Package
	for _, spec := range specs {
		all = append(all, Package{Name: spec, Bare: true})
	}
	return all
}

// Form implements [strictjson.Union].
func (p *Package) Form(kind jsontext.Kind) any {
	return textOrObject(kind, &p.Bare, &p.Name, (*packageObject)(p))
}

// A packageObject is a Package in the form of an object.
type packageObject Package

// MarshalJSONTo implements json.MarshalerTo.
func (p Package) MarshalJSONTo(e *jsontext.Encoder) error {
	return writeTextOrObject(e, reflect.DeepEqual(p, Package{Name: p.Name, Bare: true}), p.Name, packageObject(p))
}

func (p Package) canonical() Package {
	p.EnableRepo = sorted(p.EnableRepo, strings.Compare)
	p.Arch = sorted(p.Arch, strings.Compare)
	return p
}

// canonicalPackages returns the packages sorted by name, those that are equal once.
func canonicalPackages(packages []Package) []Package {
	all := make([]Package, len(packages))
	for i, p := range packages {
		all[i] = p.canonical()
	}
	slices.SortStableFunc(all, func(a, b Package) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(all, func(a, b Package) bool { return reflect.DeepEqual(a, b) })
}

// PackageNames returns the specs of packages, in their order.
func (p Packages) PackageNames() []string {
	names := make([]string, len(p.Packages))
	for i, pkg := range p.Packages {
		names[i] = pkg.Name
	}
	return names
}

// checkOptions checks the fields of a package besides its name.
func (p Package) checkOptions(o strictjson.Object) {
	o.Optional("from_repo", p.FromRepo, checkRepo)
	o.List("enable_repo", "repository", p.EnableRepo, checkRepo)
	for _, name := range slices.Sorted(maps.Keys(p.SetOpt)) {
		at := (o.Pointer + "/setopt").AppendToken(name)
		if o.VerifyName(at, "setting", name, checkSetting) {
			o.Verify(at, name, p.SetOpt[name], checkAny)
		}
	}
	checkArchs(o, p.Arch, "package", strictjson.OneOf(packageArchitectures...))
	checkItemComment(o, p.Comment)
}

// checkFromRepo checks the name of a package that comes from one repository: it is kept out
// of the others by name.
func (p Package) checkFromRepo() error {
	if p.FromRepo == "" {
		return nil
	}
	return checkOwnPackage(p.Name)
}

const (
	hintRepo    = `write the id of a repository, such as "updates-testing", or a name in copr_repos, such as "owner/project"`
	hintSetting = `write a setting of dnf.conf, such as "tsflags", or of a repository, such as "fedora.excludepkgs"`
	hintLock    = `write a package with the version that it is locked to, such as "kernel-6.17.*"`
)

// packageArchitectures are those that Fedora and CentOS have packages for, by the names of
// uname -m.
var packageArchitectures = []string{"x86_64", "aarch64", "ppc64le", "s390x", "riscv64", "i686", "armv7l", "loongarch64"}

// checkRepo checks a reference to a repository: its id, or a project on COPR.
func checkRepo(s string) error {
	if strings.Contains(s, "/") {
		return checkCopr(s)
	}
	return hint.Add(checkSpelling(s, letters, letters.with("-.:")), hintRepo)
}

func checkSetting(s string) error {
	return hint.Add(checkSpelling(s, latin.with("_*"), letters.with("-.:*")), hintSetting)
}

// checkLock checks a spec of dnf's versionlock.
func checkLock(spec string) error { return hint.Add(checkGlob(spec), hintLock) }

// A Swap replaces a package of the base image by another one, in one transaction.
type Swap struct {
	Remove   string `json:"remove"`              // name of a package of the base
	Install  string `json:"install"`             // name of the package that takes its place
	FromRepo string `json:"from_repo,omitempty"` // the only repository that it comes from: an id, or a name in copr_repos
	Comment  string `json:"comment,omitempty"`
}

// Key returns the name of the package that is removed.
func (s Swap) Key() string { return s.Remove }

func (s Swap) canonical() Swap { return s }

func (s Swap) check(o strictjson.Object) {
	o.Required("remove", s.Remove, anything)
	o.Required("install", s.Install, anything)
	o.Optional("from_repo", s.FromRepo, checkRepo)
	checkItemComment(o, s.Comment)
}

// anything accepts every value: the names of swaps are checked with those of the other
// lists.
func anything(string) error { return nil }

const hintName = `write the name of a package, such as "ffmpeg" or "ffmpeg.x86_64"`

// checkPackageName checks the name of one package, with or without version and
// architecture.
func checkPackageName(s string) error {
	return hint.Add(checkSpelling(s, letters, inVersion), hintName)
}

// swapSpecs returns the names of the swaps: of the first what it removes, what it
// installs, and so on.
func (p Packages) swapSpecs() listed {
	l := listed{list: "swap", at: func(i int) jsontext.Pointer {
		return strictjson.Item("/swap", i/2).AppendToken([]string{"remove", "install"}[i%2])
	}}
	for _, s := range p.Swap {
		l.specs = append(l.specs, s.Remove, s.Install)
	}
	return l
}

// RepoID returns the id of a repository that a package names: COPR's own, if it is a
// project there.
func RepoID(name string) string {
	if !strings.Contains(name, "/") {
		return name
	}
	return "copr:copr.fedorainfracloud.org:" + strings.ReplaceAll(strings.Replace(name, "@", "group_", 1), "/", ":")
}
