package services

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/manifest"
)

// A state is what a unit is like.
type state string

const (
	absent   state = ""
	fixed    state = "static" // to be neither enabled nor disabled
	unclear  state = "unread" // one of these two: its file cannot be read
	enabled        = state(manifest.UnitEnabled)
	disabled       = state(manifest.UnitDisabled)
	masked         = state(manifest.UnitMasked)
)

// fits reports whether a unit is as declared. A missing unit does not start, and a
// static one cannot be changed.
func (s state) fits(declared manifest.UnitState) bool {
	switch s {
	case absent:
		return declared == manifest.UnitDisabled
	case fixed:
		return declared != manifest.UnitMasked
	}
	return s.declared() == declared
}

// declared returns the state in the words of a manifest.
func (s state) declared() manifest.UnitState {
	if s == absent || s == fixed || s == unclear {
		return manifest.UnitDisabled
	}
	return manifest.UnitState(s)
}

// A unitLayer is the state of units that some folders define.
type unitLayer struct {
	*tree
	folders       []string        // of unit files; the first that has one counts
	generatorDirs []string        // where units are that cannot be enabled
	enabled       map[string]bool // by links in some of the folders
	indirect      map[string]bool // linked to from there by another name, such as an instance's
	masked        map[string]bool // there
}

// readLayer reads the links in those folders that enable and mask units, which
// come before those that only have unit files.
func readLayer(t *tree, linking, others, generatorDirs []string) (unitLayer, error) {
	l := unitLayer{
		tree:          t,
		folders:       slices.Concat(linking, others),
		generatorDirs: generatorDirs,
		enabled:       map[string]bool{},
		indirect:      map[string]bool{},
		masked:        map[string]bool{},
	}
	if err := t.read(slices.Concat(l.folders, generatorDirs)); err != nil {
		return l, err
	}
	for _, dir := range linking {
		if err := l.readLinks(dir); err != nil {
			return l, err
		}
	}
	return l, nil
}

func (l unitLayer) readLinks(dir string) error {
	var err error
	for name, mode := range l.entries[dir] {
		switch {
		case mode.IsDir() && isDependency(name):
			err = errors.Join(err, l.readWanted(filepath.Join(dir, name)))
		case !mode.IsDir():
			l.readLink(filepath.Join(dir, name))
		}
	}
	return err
}

// isDependency reports whether a folder has links to what a unit brings in.
func isDependency(name string) bool {
	switch filepath.Ext(name) {
	case ".wants", ".requires", ".upholds":
		return true
	}
	return false
}

func (l unitLayer) readWanted(dir string) error {
	entries, err := read(dir)
	for _, e := range entries {
		if e.Type() == fs.ModeSymlink {
			u := l.find(e.Name())
			l.enabled[u.name], l.indirect[template(u.name)] = true, true
		}
	}
	return err
}

// readLink reads a file next to those folders. A link to another unit enables that
// one if it is a name that the unit gives itself.
func (l unitLayer) readLink(path string) {
	name := filepath.Base(path)
	target := l.target(path)
	other := filepath.Base(target)
	switch {
	case l.isMask(path):
		l.masked[name] = true
	case target == "", other == name:
	case l.install(l.find(other).file).aliases[name]:
		l.enabled[other] = true
	default:
		l.indirect[other] = true
	}
}

// A unit is what a name of one leads to.
type unit struct {
	name string // its own, not an alias
	file string // "": there is none
}

// maxAliases is how many names may lead from one to the next.
const maxAliases = 8

// find returns the unit that goes by a name.
func (l unitLayer) find(name string) unit {
	for range maxAliases {
		path := l.lookup(name)
		target := l.target(path)
		switch {
		case target == "", target == noUnit:
			return unit{name, path}
		case filepath.Base(target) == filepath.Base(path):
			return unit{name, l.follow(path, target)}
		}
		name = resolveAlias(name, filepath.Base(target))
	}
	return unit{name, ""}
}

// lookup returns the path of the file that has a unit, or of that which has its
// template.
func (l unitLayer) lookup(name string) string {
	for _, n := range []string{name, template(name)} {
		for _, dir := range l.folders {
			if _, ok := l.entries[dir][n]; ok {
				return filepath.Join(dir, n)
			}
		}
	}
	return ""
}

// state returns that of a unit.
func (l unitLayer) state(name string) state {
	u := l.find(name)
	switch {
	case u.file == "" && l.passes(name):
		return fixed
	case u.file == "":
		return absent
	case l.isMask(u.file):
		return masked
	case l.enabled[u.name]:
		return enabled
	}
	i := l.install(u.file)
	switch {
	case i.instance != "" && l.enabled[instantiate(u.name, i.instance)]:
		return enabled
	case i.unread != nil && !l.indirect[u.name]:
		return unclear
	case i.possible && !l.indirect[u.name]:
		return disabled
	}
	return fixed
}

// passes reports whether a unit is one that a program has made for the time
// being.
func (l unitLayer) passes(name string) bool {
	for _, dir := range l.generatorDirs {
		if _, ok := l.entries[dir][name]; ok && !l.isMask(filepath.Join(dir, name)) {
			return true
		}
	}
	return false
}

// template returns the name of the template of a unit that is an instance of
// one, "" of any other.
func template(name string) string {
	prefix, rest, ok := strings.Cut(name, "@")
	ext := filepath.Ext(rest)
	if !ok || ext == rest {
		return ""
	}
	return prefix + "@" + ext
}

func isTemplate(name string) bool { return strings.Contains(name, "@.") }

// instantiate returns an instance of a template, and any other name as it is.
func instantiate(name, instance string) string {
	prefix, ext, ok := strings.Cut(name, "@.")
	if !ok {
		return name
	}
	return prefix + "@" + instance + "." + ext
}

// resolveAlias returns the name of what an alias leads to: the same instance, if that
// is a template.
func resolveAlias(name, target string) string {
	_, rest, ok := strings.Cut(name, "@")
	if !ok {
		return target
	}
	return instantiate(target, strings.TrimSuffix(rest, filepath.Ext(rest)))
}
