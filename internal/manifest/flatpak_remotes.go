package manifest

import (
	"bkt/internal/hint"
	"bkt/internal/strictjson"
)

// FlatpakRemotes has the remotes of Flatpak: flatpak-remotes.json.
type FlatpakRemotes struct {
	Schema  string          `json:"$schema,omitempty"`
	Remotes []FlatpakRemote `json:"remotes"` // the remotes, in any order
}

// A FlatpakRemote is a repository of apps.
type FlatpakRemote struct {
	Name        string `json:"name"` // such as "flathub"
	URL         string `json:"url"`  // of the repository, or of a .flatpakrepo file
	Scope       Scope  `json:"scope"`
	Filtered    bool   `json:"filtered,omitzero"`      // it offers only a selection of its apps
	Filter      string `json:"filter,omitempty"`       // the rules of the selection: text of a filter file
	GPGKey      string `json:"gpg_key,omitempty"`      // armoured or in base64
	Subset      string `json:"subset,omitempty"`       // such as "verified"
	Disabled    bool   `json:"disabled,omitzero"`      // keep it without using it
	NoGPGVerify bool   `json:"no_gpg_verify,omitzero"` // accept unsigned apps

	Title         string `json:"title,omitempty"`          // default: the repository's
	Priority      *int   `json:"priority,omitempty"`       // apps come from the remote with the highest one; default: 1
	DefaultBranch string `json:"default_branch,omitempty"` // of apps; default: the repository's
	NoEnumerate   bool   `json:"noenumerate,omitzero"`     // do not list its apps
	NoUseForDeps  bool   `json:"nodeps,omitzero"`          // do not install runtimes that apps need from it

	Hosts   Hosts  `json:"hosts,omitempty"` // the only computers for it; default: all
	Comment string `json:"comment,omitempty"`
}

// Key returns scope and name.
func (r FlatpakRemote) Key() string { return string(r.Scope) + "/" + r.Name }

func (f FlatpakRemotes) canonical() FlatpakRemotes {
	f.Remotes = sortItems(f.Remotes)
	return f
}

func (r FlatpakRemote) canonical() FlatpakRemote {
	r.Hosts = r.Hosts.canonical()
	return r
}

func (f FlatpakRemotes) check(r *strictjson.Report) {
	checkItems(r.Object(""), "remotes", "remote", f.Remotes)
}

func (r FlatpakRemote) check(o strictjson.Object) {
	o.Required("name", r.Name, checkRemote)
	o.Required("url", r.URL, checkRemoteURL)
	o.Required("scope", string(r.Scope), checkScope)
	o.Optional("filter", r.Filter, checkText)
	o.Optional("gpg_key", r.GPGKey, checkText)
	o.Optional("subset", r.Subset, checkSubset)
	o.Optional("title", r.Title, checkTrimmed)
	o.Optional("default_branch", r.DefaultBranch, checkBranch)
	checkNotes(o, r.Hosts, r.Comment)
}

func checkSubset(s string) error {
	return hint.Add(checkSpelling(s, letters, letters.with(".-")), `a subset is a name of the remote, such as "verified" or "floss"`)
}

func checkRemoteURL(s string) error {
	return checkURLOf(s, "https", "http", "file", "oci+https", "oci+http")
}
