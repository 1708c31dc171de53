package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/strictjson"
)

// ExternalRepos has external package repositories, and the packages to install from
// them: external-repos.json.
type ExternalRepos struct {
	Schema string         `json:"$schema,omitempty"`
	Repos  []ExternalRepo `json:"repos"` // the repositories, in any order
}

// An ExternalRepo is a package repository outside of the distribution and COPR.
type ExternalRepo struct {
	Name         string   `json:"name"`                                                        // id of the repository, such as "code"
	DisplayName  string   `json:"display_name"`                                                // name for people
	BaseURL      string   `json:"baseurl,omitempty" jsonschema:"oneof_required=baseurl"`       // with dnf's variables, such as $basearch
	Metalink     string   `json:"metalink,omitempty" jsonschema:"oneof_required=metalink"`     // URL of a list of mirrors with checksums, in place of baseurl
	Mirrorlist   string   `json:"mirrorlist,omitempty" jsonschema:"oneof_required=mirrorlist"` // URL of a list of mirrors, in place of baseurl
	GPGKey       string   `json:"gpg_key,omitempty" jsonschema:"anyof_required=gpg_key"`       // URL of the key for the signatures of its packages
	GPGKeys      []string `json:"gpg_keys,omitempty" jsonschema:"anyof_required=gpg_keys"`     // URLs of further keys, or of all
	RepoGPGCheck bool     `json:"repo_gpgcheck,omitzero"`                                      // its index must be signed, too
	Packages     []string `json:"packages,omitempty"`                                          // to install from it, and the only ones from it
	OptPath      string   `json:"opt_path,omitempty"`                                          // folder below /opt that the packages install to; moved to /usr/lib/opt
	LayerGroup   string   `json:"layer_group,omitempty"`                                       // "bundled" or "independent"; kept, without effect
	Comment      string   `json:"comment,omitempty"`
}

// Key returns the id of the repository.
func (e ExternalRepo) Key() string { return e.Name }

// OptFolder returns OptPath relative to /opt, empty if it is not set.
func (e ExternalRepo) OptFolder() string { return strings.TrimPrefix(e.OptPath, "/opt/") }

// Keys returns the URLs of all keys: the one of the field gpg_key first, the others
// sorted.
func (e ExternalRepo) Keys() []string {
	keys := sorted(e.GPGKeys, strings.Compare)
	if e.GPGKey != "" {
		keys = append([]string{e.GPGKey}, keys...)
	}
	return keys
}

// IsBelow reports whether the repository, its list of mirrors or one of its keys is
// below a folder of the image.
func (e ExternalRepo) IsBelow(folder string) bool {
	return slices.ContainsFunc(append(e.Keys(), e.BaseURL, e.Metalink, e.Mirrorlist), func(url string) bool {
		return strings.HasPrefix(url, "file://"+folder+"/")
	})
}

func (f ExternalRepos) canonical() ExternalRepos {
	f.Repos = sortItems(f.Repos)
	return f
}

func (e ExternalRepo) canonical() ExternalRepo {
	e.GPGKeys = sorted(e.GPGKeys, strings.Compare)
	e.Packages = sorted(e.Packages, strings.Compare)
	return e
}

func (f ExternalRepos) check(r *strictjson.Report) {
	checkItems(r.Object(""), "repos", "repository", f.Repos)
}

func (e ExternalRepo) check(o strictjson.Object) {
	o.Required("name", e.Name, checkRepoID)
	o.Required("display_name", e.DisplayName, checkTrimmed)
	e.checkAddress(o)
	e.checkKeys(o)
	o.List("packages", "package", e.Packages, checkOwnPackage)
	o.Optional("opt_path", e.OptPath, checkOptPath)
	o.Optional("layer_group", e.LayerGroup, strictjson.OneOf("bundled", "independent"))
	checkItemComment(o, e.Comment)
}

// checkAddress checks that the repository has exactly one address.
func (e ExternalRepo) checkAddress(o strictjson.Object) {
	first := ""
	for _, f := range []struct {
		name, value string
		check       func(string) error
	}{{"baseurl", e.BaseURL, checkBaseURL}, {"metalink", e.Metalink, checkURL}, {"mirrorlist", e.Mirrorlist, checkURL}} {
		p := o.Pointer.AppendToken(f.name)
		switch {
		case f.value == "":
		case first != "":
			o.Tell(f.name, strictjson.Rule{Check: f.check, Optional: true})
			o.Add(p, hint.Add(fmt.Errorf("%s is in the place of %s, which is given, too (at %s)", f.name, first, o.Where(o.Pointer.AppendToken(first))), hintAddress))
		default:
			first = f.name
			o.Optional(f.name, f.value, f.check)
		}
	}
	if first == "" {
		name := firstGiven(o, "baseurl", "metalink", "mirrorlist")
		o.Add(o.Pointer.AppendToken(name), hint.Add(fmt.Errorf("%s is missing", name), hintAddress))
	}
}

// firstGiven returns the first of the fields that the manifest has, with whatever value,
// or else the first of all.
func firstGiven(o strictjson.Object, fields ...string) string {
	i := slices.IndexFunc(fields, func(name string) bool { return o.Has(o.Pointer.AppendToken(name)) })
	return fields[max(i, 0)]
}

// checkKeys checks that the repository has a key, and each key once.
func (e ExternalRepo) checkKeys(o strictjson.Object) {
	if e.GPGKey == "" && len(e.GPGKeys) == 0 {
		name := firstGiven(o, "gpg_key", "gpg_keys")
		o.Add(o.Pointer.AppendToken(name), fmt.Errorf("%s is missing", name))
		return
	}
	key := o.Pointer.AppendToken("gpg_key")
	o.Optional("gpg_key", e.GPGKey, checkBaseURL)
	o.List("gpg_keys", "key", e.GPGKeys, checkBaseURL)
	if i := slices.Index(e.GPGKeys, e.GPGKey); i >= 0 {
		o.Duplicate(strictjson.Item(o.Pointer.AppendToken("gpg_keys"), i), "key "+strictjson.Quote(e.GPGKey), key)
	}
}

const (
	hintAddress    = `a repository has one of "baseurl", "metalink" and "mirrorlist"`
	hintRepoID     = `the id of a repository has letters, digits, "-", "_", "." and ":", such as "code"`
	hintOwnPackage = `write the names of packages here, such as "code" or "code-insiders"; dnf does not accept provides, paths and comparisons`
	hintOptPath    = `"opt_path" is the folder below /opt: "google/chrome" for /opt/google/chrome`
)

// checkRepoID checks the id of a repository, by dnf's own rules.
func checkRepoID(id string) error {
	err := checkSpelling(id, letters, letters.with("-.:"))
	if id == "main" {
		err = errors.New("is reserved by dnf")
	}
	return hint.Add(err, hintRepoID)
}

// checkBaseURL checks a URL in a .repo file, where a comma would separate several.
func checkBaseURL(s string) error {
	if strings.Contains(s, ",") {
		return hint.Add(errors.New("may not contain ','"), `write a comma in a URL as %%2C`)
	}
	return checkURL(s)
}

// checkOwnPackage checks a package that is installed from a repository, and listed in
// its includepkgs.
func checkOwnPackage(spec string) error { return hint.Add(checkGlob(spec), hintOwnPackage) }

func checkOptPath(s string) error {
	return hint.Add(checkBelow(strings.TrimPrefix(s, "/opt/")), hintOptPath)
}
