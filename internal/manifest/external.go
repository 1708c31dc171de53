package manifest

import (
	"errors"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/strictjson"
)

// ExternalRepos has package repositories of others, and what the image takes
// from them: external-repos.json.
type ExternalRepos struct {
	Schema string         `json:"$schema,omitempty"`
	Repos  []ExternalRepo `json:"repos"`
}

// An ExternalRepo is a package repository that neither the distribution nor
// COPR has.
type ExternalRepo struct {
	Name        string   `json:"name"`                  // id of the repository, such as "code"
	DisplayName string   `json:"display_name"`          // what people call it
	BaseURL     string   `json:"baseurl"`               // may have dnf's variables, such as $basearch
	GPGKey      string   `json:"gpg_key"`               // URL of the key that its packages are signed with
	Packages    []string `json:"packages,omitempty"`    // installed from it; nothing else is
	OptPath     string   `json:"opt_path,omitempty"`    // folder below /opt that they install to, which moves to /usr/lib/opt
	LayerGroup  string   `json:"layer_group,omitempty"` // "bundled" or "independent"; kept, and without effect
	Comment     string   `json:"comment,omitempty"`
}

// Key returns the id of the repository.
func (e ExternalRepo) Key() string { return e.Name }

// OptFolder returns the folder that its packages install to as a path below
// /opt, empty if they do not.
func (e ExternalRepo) OptFolder() string { return strings.TrimPrefix(e.OptPath, "/opt/") }

func (f ExternalRepos) canonical() ExternalRepos {
	f.Repos = sortItems(f.Repos)
	return f
}

func (e ExternalRepo) canonical() ExternalRepo {
	e.Packages = sorted(e.Packages, strings.Compare)
	return e
}

func (f ExternalRepos) check(r *strictjson.Report) {
	checkItems(r.Object(""), "repos", "repository", f.Repos)
}

func (e ExternalRepo) check(o strictjson.Object) {
	o.Required("name", e.Name, checkRepoID)
	o.Required("display_name", e.DisplayName, checkTrimmed)
	o.Required("baseurl", e.BaseURL, checkBaseURL)
	o.Required("gpg_key", e.GPGKey, checkBaseURL)
	o.List("packages", "package", e.Packages, checkOwnPackage)
	o.Optional("opt_path", e.OptPath, checkOptPath)
	o.Optional("layer_group", e.LayerGroup, checkOneOf("bundled", "independent"))
	checkItemComment(o, e.Comment)
}

const (
	hintRepoID     = `dnf names repositories in letters, digits, "-", "_", "." and ":", such as "code"`
	hintOwnPackage = `what a repository may install is given by name, such as "code" or "code-insiders"; dnf takes no provides, paths and comparisons there`
	hintOptPath    = `"opt_path" is the folder below /opt: "google/chrome" for /opt/google/chrome`
)

// checkRepoID checks the id of a repository, by dnf's own rules.
func checkRepoID(id string) error {
	err := checkSpelling(id, letters, letters.with("-.:"))
	if id == "main" {
		err = errors.New("is what dnf calls its own settings")
	}
	return hint.Add(err, hintRepoID)
}

// checkBaseURL checks a URL in a .repo file, where a comma separates several.
func checkBaseURL(s string) error {
	if strings.Contains(s, ",") {
		return hint.Add(errors.New("may not contain ','"), `in a URL a comma is written %%2C`)
	}
	return checkURL(s)
}

// checkOwnPackage checks a package that is both installed from a repository
// and listed as what may come from it.
func checkOwnPackage(spec string) error { return hint.Add(checkGlob(spec), hintOwnPackage) }

func checkOptPath(s string) error {
	return hint.Add(checkBelow(strings.TrimPrefix(s, "/opt/")), hintOptPath)
}
