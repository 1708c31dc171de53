package services

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/manifest"
)

// A state is the state of a unit.
type state string

const (
	absent   state = ""
	fixed    state = "static" // can be neither enabled nor disabled
	unclear  state = "unread" // unknown, static or disabled: its file cannot be read
	enabled        = state(manifest.UnitEnabled)
	disabled       = state(manifest.UnitDisabled)
	masked         = state(manifest.UnitMasked)
)

// fits reports whether a state matches a declared state. A missing unit does not start,
// and thus matches "disabled"; a static unit cannot be changed.
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
	folders       []string        // of unit files; the first that has the unit counts
	generatorDirs []string        // of generated units, which cannot be enabled
	enabled       map[string]bool // units that links enable
	indirect      map[string]bool // units with links of another name, such as that of an instance
	masked        map[string]bool // units that links mask
}

// readLayer reads the folders linking, whose links enable and mask units. They take
// precedence over the folders others, which have only unit files.
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

// isDependency reports whether a folder has links to the dependencies of a unit.
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

// readLink reads a file of a folder of units. A link to another unit enables that unit if
// the link is one of its aliases.
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

// A unit is a unit that was found by one of its names.
type unit struct {
	name string // its own, not an alias
	file string // "": does not exist
}

// maxAliases is the longest chain of aliases.
const maxAliases = 8

// find returns the unit with a name or an alias.
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

// lookup returns the path of the file of a unit or, if it has none, of its template.
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

// state returns the state of a unit.
func (l unitLayer) state(name string) state {
	u := l.find(name)
	switch {
	case u.file == "" && l.isGenerated(name):
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

// isGenerated reports whether a program has created a unit until the next start.
func (l unitLayer) isGenerated(name string) bool {
	for _, dir := range l.generatorDirs {
		if _, ok := l.entries[dir][name]; ok && !l.isMask(filepath.Join(dir, name)) {
			return true
		}
	}
	return false
}

// template returns the name of the template of an instance, "" for other units.
func template(name string) string {
	prefix, rest, ok := strings.Cut(name, "@")
	ext := filepath.Ext(rest)
	if !ok || ext == rest {
		return ""
	}
	return prefix + "@" + ext
}

func isTemplate(name string) bool { return strings.Contains(name, "@.") }

// instantiate returns the name of an instance of a template, and any other name
// unchanged.
func instantiate(name, instance string) string {
	prefix, ext, ok := strings.Cut(name, "@.")
	if !ok {
		return name
	}
	return prefix + "@" + instance + "." + ext
}

// resolveAlias returns the name of the target of an alias. If the target is a template,
// that is the same instance of it.
func resolveAlias(name, target string) string {
	_, rest, ok := strings.Cut(name, "@")
	if !ok {
		return target
	}
	return instantiate(target, strings.TrimSuffix(rest, filepath.Ext(rest)))
}
