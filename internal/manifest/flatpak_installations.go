package manifest

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/strictjson"
)

// FlatpakInstallations has the settings of Flatpak's installations:
// flatpak-installations.json.
type FlatpakInstallations struct {
	Schema        string                `json:"$schema,omitempty"`
	Installations []FlatpakInstallation `json:"installations"` // the installations, in any order
}

// A FlatpakInstallation is an installation of Flatpak with the settings that it has for all
// its apps.
type FlatpakInstallation struct {
	Scope Scope `json:"scope"`

	// Of an installation with a name of its own, see flatpak-installation(5).
	Path        string `json:"path,omitempty"`         // its folder
	DisplayName string `json:"display_name,omitempty"` // name for people
	Priority    int    `json:"priority,omitzero"`      // among such installations
	StorageType string `json:"storage_type,omitempty"` // "network", "mmc", "sdcard" or "harddisk"; default: unknown

	Languages      string   `json:"languages,omitempty"`       // of translations, such as "de;en"; default: those of the computer
	ExtraLanguages string   `json:"extra_languages,omitempty"` // in addition to the default, such as "pt_BR"
	Masks          []string `json:"masks,omitempty"`           // patterns of what is neither updated nor installed for others, as "flatpak mask" takes them
	Pins           []string `json:"pins,omitempty"`            // patterns of runtimes to keep, as "flatpak pin" takes them

	Hosts   Hosts  `json:"hosts,omitempty"` // the only computers for it; default: all
	Comment string `json:"comment,omitempty"`
}

// Key returns the scope.
func (i FlatpakInstallation) Key() string { return string(i.Scope) }

func (f FlatpakInstallations) canonical() FlatpakInstallations {
	f.Installations = sortItems(f.Installations)
	return f
}

// canonical sorts patterns.
func (i FlatpakInstallation) canonical() FlatpakInstallation {
	i.Masks, i.Pins, i.Hosts = sorted(i.Masks, strings.Compare), sorted(i.Pins, strings.Compare), i.Hosts.canonical()
	return i
}

func (f FlatpakInstallations) check(r *strictjson.Report) {
	checkItems(r.Object(""), "installations", "installation", f.Installations)
}

func (i FlatpakInstallation) check(o strictjson.Object) {
	o.Required("scope", string(i.Scope), checkScope)
	if _, custom := i.Scope.Custom(); custom {
		o.Required("path", i.Path, checkInstallationPath)
	} else if i.Path != "" || i.DisplayName != "" || i.Priority != 0 || i.StorageType != "" {
		err := errors.New("path, display_name, priority and storage_type are only for an installation with a name of its own")
		o.Add(o.Pointer+"/scope", hint.Add(err, `its scope is "installation=" and the name`))
	}
	o.Optional("display_name", i.DisplayName, checkTrimmed)
	o.Optional("storage_type", i.StorageType, checkStorage)
	o.Optional("languages", i.Languages, checkLanguages)
	o.Optional("extra_languages", i.ExtraLanguages, checkLanguages)
	o.List("masks", "pattern", i.Masks, checkPattern)
	o.List("pins", "pattern", i.Pins, checkPin)
	checkNotes(o, i.Hosts, i.Comment)
}

func checkInstallationPath(s string) error {
	err := checkTrimmed(s)
	if err == nil && (!path.IsAbs(s) || path.Clean(s) != s) {
		err = errors.New("is not the full path of a folder")
	}
	return hint.Add(err, `write the path like "/var/lib/games"`)
}

func checkStorage(s string) error { return checkSpelling(s, letters, letters) }

func checkLanguages(s string) error {
	for _, language := range strings.Split(strings.TrimSuffix(s, ";"), ";") {
		if err := checkSpelling(language, letters.with("*"), letters.with("@.*")); err != nil {
			return hint.Add(fmt.Errorf("language %s %w", strictjson.Quote(language), err), `write languages as "flatpak config" does, such as "de;pt_BR" or "*"`)
		}
	}
	return nil
}

const hintPattern = `a pattern is an id, or parts of a ref, such as "org.gnome.Boxes" or "app/org.gnome.*//stable"`

func checkPattern(s string) error {
	err := checkSpelling(s, letters.with("*"), letters.with(".-*/"))
	if err == nil && len(strings.Split(s, "/")) > 4 {
		err = errors.New("has more than four parts")
	}
	return hint.Add(err, hintPattern)
}

func checkPin(s string) error {
	if err := checkPattern(s); err != nil {
		return err
	}
	if s == "app" || strings.HasPrefix(s, "app/") {
		return hint.Add(errors.New("is a pattern of apps"), "flatpak keeps every app: only runtimes can be pinned")
	}
	return nil
}
