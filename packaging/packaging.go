// Package packaging has the files that a package of bkt installs with the programs:
// the systemd units for automatic capture. bkt contains them, too, for users who
// installed it in another way.
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

// A Unit is a unit file.
type Unit struct {
	Name string // such as "bkt-capture@.service"
	Text []byte
}

// A Machine has the paths that units need.
type Machine struct {
	Program                    string // bkt
	Home, ConfigHome, DataHome string
	FlatpakUser, FlatpakSystem string // installations of Flatpak
}

// Capture returns the units for a machine. If all its paths are the usual ones, these
// are the units that a package installs. It fails if systemd cannot run the program.
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
	names, err := Names()
	var units []Unit
	for _, name := range names {
		text, errRead := fs.ReadFile(files, folder+"/"+name)
		if errRead != nil {
			return nil, errRead
		}
		units = append(units, Unit{name, []byte(replacer.Replace(string(text)))})
	}
	return units, err
}

// folder has the units among the files.
const folder = "systemd/user"

// Service is the name of the unit that runs bkt.
const Service = Prefix + ".service"

// Names returns the names of the units.
func Names() ([]string, error) {
	entries, err := fs.ReadDir(files, folder)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// Programs returns the absolute paths of the programs that a unit, or a drop-in of one, runs
// with ExecStart, for the user with that home. A path with other specifiers than %h is left
// out. replaces says that they take the place of those of the files before.
func Programs(text []byte, home string) (all []string, replaces bool, err error) {
	options, err := unit.DeserializeOptions(bytes.NewReader(text))
	for _, o := range options {
		if o.Section != "Service" || o.Name != "ExecStart" {
			continue
		}
		if o.Value == "" {
			all, replaces = nil, true
			continue
		}
		word := firstWord(strings.TrimLeft(o.Value, "@-:+!|")) // systemd.service(5): the prefixes
		word = strings.ReplaceAll(word, "%%", "\x00")
		word = strings.ReplaceAll(word, "%h", home)
		if !strings.Contains(word, "%") && filepath.IsAbs(word) {
			all = append(all, strings.ReplaceAll(word, "\x00", "%"))
		}
	}
	return all, replaces, err
}

// firstWord returns the first word of a command line of systemd.syntax(7), which may be
// quoted.
func firstWord(line string) string {
	for _, quote := range []string{`"`, "'"} {
		if rest, ok := strings.CutPrefix(line, quote); ok {
			word, _, _ := strings.Cut(rest, quote)
			return word
		}
	}
	word, _, _ := strings.Cut(line, " ")
	return word
}

// Folder returns the folder of the repository that a unit is for, by its name.
func Folder(name string) string {
	return unit.UnitNamePathUnescape(strings.TrimPrefix(strings.TrimSuffix(name, filepath.Ext(name)), Prefix))
}

// path returns a path as the value of a setting: systemd reads it to the end of the
// line, without quotes, and takes % for the start of a specifier.
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

// Prefix is the start of the names of the units of all repositories.
const Prefix = "bkt-capture@"

// Instances returns the names of the units to start for the repository in dir.
func Instances(dir string) []string {
	instance := unit.UnitNamePathEscape(dir)
	return []string{Prefix + instance + ".timer", Prefix + instance + ".path"}
}

// Written reports whether some version of bkt wrote the text of a unit, rather than the
// user.
func Written(text []byte) bool {
	return bytes.HasPrefix(text, []byte(`# Written by "bkt auto-capture enable"`))
}
