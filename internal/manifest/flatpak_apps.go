package manifest

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/strictjson"
)

// FlatpakApps has the apps, and the runtimes that someone wants, that are installed with
// Flatpak: flatpak-apps.json.
type FlatpakApps struct {
	Schema string       `json:"$schema,omitempty"`
	Apps   []FlatpakApp `json:"apps"` // the apps and runtimes, in any order
}

// A FlatpakApp is an app or a runtime that is installed with Flatpak.
type FlatpakApp struct {
	ID        string   `json:"id"`     // such as "org.gnome.Boxes"
	Remote    string   `json:"remote"` // name of the remote that it comes from, such as "flathub"
	Scope     Scope    `json:"scope"`
	Runtime   bool     `json:"runtime,omitzero"`    // it is a runtime or an extension, such as a theme, that is installed for its own sake
	Bundle    string   `json:"bundle,omitempty"`    // the file that it was installed from, or where to get it: bkt cannot install it
	Branch    string   `json:"branch,omitempty"`    // default: the remote's
	Commit    string   `json:"commit,omitempty"`    // to stay at
	Overrides []string `json:"overrides,omitempty"` // as "flatpak override" takes them; the last of two that contradict each other wins
	Hosts     Hosts    `json:"hosts,omitempty"`     // the only computers for it; default: all
	Comment   string   `json:"comment,omitempty"`

	// Former are the ids that it had before upstream renamed it, from Flatpak's files.
	Former []string `json:"-"`
}

// Key returns scope, id and, if it is set, branch. That of a runtime has "runtime" before
// the id.
func (a FlatpakApp) Key() string {
	kind := ""
	if a.Runtime {
		kind = "runtime/"
	}
	return strings.TrimSuffix(string(a.Scope)+"/"+kind+a.ID+"/"+a.Branch, "/")
}

// canonical sorts apps by id first, the order of existing files.
func (f FlatpakApps) canonical() FlatpakApps {
	f.Apps = sortItems(f.Apps)
	slices.SortStableFunc(f.Apps, func(a, b FlatpakApp) int { return strings.Compare(a.ID, b.ID) })
	return f
}

func (a FlatpakApp) canonical() FlatpakApp {
	a.Hosts = a.Hosts.canonical()
	return a
}

func (f FlatpakApps) check(r *strictjson.Report) { checkItems(r.Object(""), "apps", "app", f.Apps) }

func (a FlatpakApp) check(o strictjson.Object) {
	o.Required("id", a.ID, checkAppID)
	o.Required("remote", a.Remote, checkRemote)
	o.Required("scope", string(a.Scope), checkScope)
	o.Optional("bundle", a.Bundle, checkTrimmed)
	o.Optional("branch", a.Branch, checkBranch)
	o.Optional("commit", a.Commit, checkCommit)
	o.List("overrides", "override", a.Overrides, checkOverride)
	_, custom := a.Scope.Custom()
	switch {
	case len(a.Overrides) == 0:
	case a.Runtime:
		o.Add(o.Pointer+"/overrides", hint.Add(errors.New("a runtime has no overrides"), hintRuntime))
	case custom:
		o.Add(o.Pointer+"/overrides", hint.Add(errors.New("flatpak has overrides of the user and of the system only"), "move them to %s", FlatpakOverridesPath))
	}
	checkNotes(o, a.Hosts, a.Comment)
}

func checkBranch(s string) error {
	return hint.Add(checkSpelling(s, letters, letters.with(".-")), `a branch is a name such as "stable" or "24.08"`)
}

// checkCommit checks a commit, or the beginning that "flatpak list" shows.
func checkCommit(s string) error {
	err := cmp.Or(checkLine(s), checkChars(s, hex))
	if err == nil && (len(s) < 7 || len(s) > 64) {
		err = errors.New("does not have 7 to 64 digits")
	}
	return hint.Add(err, hintCommit)
}
