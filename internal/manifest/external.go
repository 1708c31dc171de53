package manifest

import (
	"errors"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/strictjson"
)

// ExternalRepos has external package repositories, and the packages to install from
// them: external-repos.json.
type ExternalRepos struct {
	Schema string         `json:"$schema,omitempty"`
	Repos  []ExternalRepo `json:"repos"`
}

// An ExternalRepo is a package repository outside of the distribution and COPR.
type ExternalRepo struct {
	Name        string   `json:"name"`                  // id of the repository, such as "code"
	DisplayName string   `json:"display_name"`          // name for people
	BaseURL     string   `json:"baseurl"`               // with dnf's variables, such as $basearch
	GPGKey      string   `json:"gpg_key"`               // URL of the key for the signatures of its packages
	Packages    []string `json:"packages,omitempty"`    // to install from it, and the only ones from it
	OptPath     string   `json:"opt_path,omitempty"`    // folder below /opt that the packages install to; moved to /usr/lib/opt
	LayerGroup  string   `json:"layer_group,omitempty"` // "bundled" or "independent"; kept, without effect
	Comment     string   `json:"comment,omitempty"`
}

// Key returns the id of the repository.
func (e ExternalRepo) Key() string { return e.Name }

// OptFolder returns OptPath relative to /opt, empty if it is not set.
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
	o.Optional("layer_group", e.LayerGroup, strictjson.OneOf("bundled", "independent"))
	checkItemComment(o, e.Comment)
}

const (
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
