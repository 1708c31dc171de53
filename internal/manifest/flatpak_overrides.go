package manifest

import (
	"errors"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/strictjson"
)

// FlatpakOverrides has permissions of apps that flatpak-apps.json does not have with
// the app: flatpak-overrides.json.
type FlatpakOverrides struct {
	Schema    string            `json:"$schema,omitempty"`
	Overrides []FlatpakOverride `json:"overrides"` // the permissions, in any order
}

// A FlatpakOverride has permissions that the user has granted to an app or revoked.
type FlatpakOverride struct {
	App     string   `json:"app"` // id of the app, or "global": all apps
	Scope   Scope    `json:"scope"`
	Flags   []string `json:"flags"` // as "flatpak override" takes them; the last of two that contradict each other wins
	Hosts   Hosts    `json:"hosts,omitempty"`
	Comment string   `json:"comment,omitempty"`
}

// Global is the App of an override for all apps.
const Global = "global"

// Key returns scope and app.
func (v FlatpakOverride) Key() string { return string(v.Scope) + "/" + v.App }

func (f FlatpakOverrides) canonical() FlatpakOverrides {
	f.Overrides = sortItems(f.Overrides)
	return f
}

func (v FlatpakOverride) canonical() FlatpakOverride {
	v.Hosts = v.Hosts.canonical()
	return v
}

func (f FlatpakOverrides) check(r *strictjson.Report) {
	checkItems(r.Object(""), "overrides", "override", f.Overrides)
}

func (v FlatpakOverride) check(o strictjson.Object) {
	o.Required("app", v.App, checkOverridden)
	o.Required("scope", string(v.Scope), checkOverrideScope)
	o.List("flags", "override", v.Flags, checkOverride)
	checkNotes(o, v.Hosts, v.Comment)
}

// checkOverridden checks the id of an app, or the name that stands for all.
func checkOverridden(s string) error {
	if s == Global {
		return nil
	}
	return checkAppID(s)
}

// checkOverride checks an option that changes a permission. Other options, which act
// or choose an installation, have no value.
func checkOverride(s string) error {
	option, value, ok := strings.Cut(s, "=")
	name, dashes := strings.CutPrefix(option, "--")
	line := s
	if name == "env" { // a variable can have several lines
		line = strings.NewReplacer("\n", " ", "\r", " ").Replace(s)
	}
	err := checkLine(line)
	switch {
	case err != nil:
	case !dashes:
		err = errors.New(`does not begin with "--"`)
	case !ok || value == "":
		err = errors.New("has no value")
	case name == "installation" || name == "env-fd":
		err = errors.New("is not a permission")
	default:
		err = checkSpelling(name, letters, letters.with("-"))
	}
	return hint.Add(err, hintOverride)
}
