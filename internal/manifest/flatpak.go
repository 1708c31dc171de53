package manifest

import (
	"errors"
	"fmt"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/strictjson"
)

// A Scope is an installation of Flatpak: for everyone ("system"), for one user ("user"), or
// one with a name of its own, such as "installation=games". The option of flatpak that
// selects it is "--" and the scope.
type Scope string

// The scopes.
const (
	ScopeSystem Scope = "system"
	ScopeUser   Scope = "user"
)

// customPrefix begins the scope of an installation with a name of its own.
const customPrefix = "installation="

// CustomScope returns the scope of the installation called name in
// flatpak-installation(5).
func CustomScope(name string) Scope { return Scope(customPrefix + name) }

// Custom returns the name of an installation with a name of its own, and whether it is one.
func (s Scope) Custom() (name string, ok bool) { return strings.CutPrefix(string(s), customPrefix) }

func checkScope(s string) error {
	if name, ok := Scope(s).Custom(); ok {
		return checkSpelling(name, letters, letters.with(".-"))
	}
	return checkOverrideScope(s)
}

// checkOverrideScope checks the scope of overrides: flatpak reads none of an installation
// with a name of its own.
func checkOverrideScope(s string) error {
	return strictjson.OneOf(string(ScopeSystem), string(ScopeUser))(s)
}

const (
	hintRemote   = `write a remote as "flatpak remotes" does, such as "flathub"`
	hintAppID    = `the id of an app has three or more parts, such as "org.gnome.Boxes"`
	hintRuntime  = `overrides are for apps: "runtime" is for runtimes, themes and other extensions`
	hintCommit   = `write a commit in hexadecimal digits, as "flatpak info --show-commit" does`
	hintOverride = `an override is an option of "flatpak override" with its value, such as "--filesystem=home" or "--env=LANG=C"`
)

func checkRemote(s string) error {
	return hint.Add(checkSpelling(s, letters, letters.with(".-")), hintRemote)
}

// checkAppID checks the id of an app, by Flatpak's own rules.
func checkAppID(id string) error {
	parts := strings.Split(id, ".")
	if len(parts) < 3 {
		return hint.Add(errors.New("is not an app id"), hintAppID)
	}
	for i, part := range parts {
		first, rest := firstVariable, letters
		if i == len(parts)-1 { // only the last part may have a dash
			first, rest = first.with("-"), rest.with("-")
		}
		if part == "" {
			return hint.Add(errors.New("has an empty part"), hintAppID)
		}
		if err := checkSpelling(part, first, rest); err != nil {
			return hint.Add(fmt.Errorf("part %s %w", strictjson.Quote(part), err), hintAppID)
		}
	}
	return nil
}
