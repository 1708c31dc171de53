// Package packaging has what a package of bkt installs beside the programs: the
// units by which systemd captures by itself. bkt brings them along for those who
// have it from elsewhere.
package packaging

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/coreos/go-systemd/v22/unit"
)

//go:embed systemd/user
var files embed.FS

// A Unit is a file of a unit.
type Unit struct {
	Name string // such as "bkt-capture@.service"
	Text []byte
}

// A Machine is where units are to run.
type Machine struct {
	Program                    string // bkt
	Home, ConfigHome, DataHome string
	FlatpakUser, FlatpakSystem string // installations of Flatpak
}

// Capture returns the units of a machine. On one where all is in its usual place,
// they are those that a package installs. A program that systemd cannot run is an
// error.
func Capture(m Machine) ([]Unit, error) {
	if strings.ContainsAny(m.Program, "'\"\\") || strings.ContainsFunc(m.Program, unicode.IsControl) {
		return nil, fmt.Errorf("%s: systemd runs no program with a quote, a backslash or a control character in its path", m.Program)
	}
	replacer := strings.NewReplacer(
		"=:/usr/bin/bkt ", "=:"+m.word(m.Program)+" ",
		"=%h/.local/share/flatpak/", "="+m.path(cmp.Or(m.FlatpakUser, m.DataHome+"/flatpak"))+"/",
		"=%h/.local/share/", "="+m.path(m.DataHome)+"/",
		"=%h/.config/", "="+m.path(m.ConfigHome)+"/",
		"=/var/lib/flatpak/", "="+m.path(cmp.Or(m.FlatpakSystem, "/var/lib/flatpak"))+"/",
	)
	names, err := fs.Glob(files, "systemd/user/*")
	var units []Unit
	for _, name := range names {
		text, errRead := fs.ReadFile(files, name)
		if errRead != nil {
			return nil, errRead
		}
		units = append(units, Unit{filepath.Base(name), []byte(replacer.Replace(string(text)))})
	}
	return units, err
}

// path returns a path as it stands after the = of a setting that is a path. It is
// taken to the end of the line, with no quotes, and % begins a specifier.
func (m Machine) path(path string) string {
	rest, ok := strings.CutPrefix(path, m.Home)
	if ok && strings.HasPrefix(rest, "/") {
		return "%h" + strings.ReplaceAll(rest, "%", "%%")
	}
	return strings.ReplaceAll(path, "%", "%%")
}

// word returns the path of a program as a word of a command line of
// systemd.syntax(7).
func (m Machine) word(path string) string {
	path = strings.ReplaceAll(path, "%", "%%")
	if strings.ContainsAny(path, " ;") {
		return `"` + path + `"`
	}
	return path
}

// Prefix is what the names of the units of all repositories begin with.
const Prefix = "bkt-capture@"

// Instances returns the names of the units that are to be started for the
// repository in dir.
func Instances(dir string) []string {
	instance := unit.UnitNamePathEscape(dir)
	return []string{Prefix + instance + ".timer", Prefix + instance + ".path"}
}

// Written reports whether the text of a unit is one that bkt has written, in
// whatever version, and not one of the user's own.
func Written(text []byte) bool {
	return bytes.HasPrefix(text, []byte(`# Written by "bkt auto-capture enable"`))
}
