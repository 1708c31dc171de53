package gsettings

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"bkt/internal/gvariant"
	"bkt/internal/gvdb"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/reconcile"
)

// schemas are the installed schemas. They are read on demand; the first error stays in
// err.
type schemas struct {
	files    []gvdb.Table
	desktops []string
	found    map[string]*schema   // by name; nil: does not exist
	byPath   map[string][]*schema // nil: not indexed yet
	err      error
	broken   []error // of unreadable schemas of extensions
}

// A schema defines the keys of a folder of dconf.
type schema struct {
	id    string
	path  string // "": each user of the schema has its own path
	table gvdb.Table
	base  *schema // the schema that it extends
	all   *schemas
}

func (d Domain) schemas() (*schemas, error) {
	s := &schemas{desktops: d.Desktops, found: map[string]*schema{}}
	files, ofExtensions, err := d.schemaFiles()
	if err != nil {
		s.broken = append(s.broken, err)
	}
	for _, name := range files {
		table, err := read(name)
		if err == nil {
			s.files = append(s.files, table)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return s, reconcile.Unavailablef("%w", hint.Add(err, "glib-compile-schemas recreates it"))
		}
	}
	for _, name := range ofExtensions {
		table, err := read(name)
		switch {
		case err == nil:
			s.files = append(s.files, table)
		case !patherr.IsMissing(err): // only this extension is broken
			s.broken = append(s.broken, err)
		}
	}
	return s, nil
}

// hides reports whether a setting may belong to an unreadable schema: then its name, and
// whether it is set, are unknown.
func (s *schemas) hides(k manifest.Setting) bool {
	if len(s.broken) == 0 {
		return false
	}
	id, folder := k.Location()
	if id == "" {
		return s.at(folder, k.Name) == nil
	}
	return s.schema(id) == nil
}

// notes returns notes on unreadable schemas.
func (s *schemas) notes() []string {
	var all []string
	for _, err := range s.broken {
		all = append(all, fmt.Sprintf("schemas of an extension cannot be read: bkt leaves settings without another schema alone: %v", err))
	}
	return all
}

// schema returns the schema with this name, nil if it does not exist.
func (s *schemas) schema(id string) *schema {
	if found, ok := s.found[id]; ok {
		return found
	}
	s.found[id] = nil
	for _, file := range s.files {
		table, ok, err := file.Table(id)
		if ok {
			s.found[id] = s.open(id, table)
			break
		}
		s.fail(err)
	}
	return s.found[id]
}

func (s *schemas) open(id string, table gvdb.Table) *schema {
	text := func(name string) string {
		v, _, err := table.Value(name)
		s.fail(err)
		t, _ := v.Text()
		return t
	}
	opened := &schema{id: id, path: text(".path"), table: table, all: s}
	if base := text(".extends"); base != "" {
		opened.base = s.schema(base)
	}
	return opened
}

func (s *schemas) fail(err error) {
	if s.err == nil && err != nil {
		s.err = reconcile.Unavailablef("the schemas of settings: %w", hint.Add(err, "glib-compile-schemas recreates them"))
	}
}

// at returns the schema that has a key in a folder of dconf, nil if none does.
func (s *schemas) at(folder, name string) *schema {
	if usual := s.schema(strings.ReplaceAll(strings.Trim(folder, "/"), "/", ".")); usual != nil && usual.path == folder && usual.has(name) {
		return usual
	}
	if s.byPath == nil {
		s.index()
	}
	for _, candidate := range s.byPath[folder] { // in a fixed order, so that a key has the same name on each computer
		if candidate.has(name) {
			return candidate
		}
	}
	return s.relocatable(folder, name)
}

// relocatable returns the schema for the children of a list by its usual name: those of
// ".../custom-keybindings/" have the schema "...custom-keybinding".
func (s *schemas) relocatable(folder, name string) *schema {
	parent := strings.ReplaceAll(strings.Trim(path.Dir(strings.TrimSuffix(folder, "/")), "/"), "/", ".")
	for _, id := range []string{parent, strings.TrimSuffix(parent, "s")} {
		if found := s.schema(id); found != nil && found.path == "" && found.has(name) {
			return found
		}
	}
	return nil
}

func (s *schemas) index() {
	s.byPath = map[string][]*schema{}
	for _, file := range s.files {
		for _, id := range file.Names() {
			if found := s.schema(id); found != nil && found.path != "" {
				s.byPath[found.path] = append(s.byPath[found.path], found)
			}
		}
	}
	for _, all := range s.byPath {
		slices.SortFunc(all, func(a, b *schema) int { return strings.Compare(a.id, b.id) })
	}
}

func (s *schemas) names() []string {
	var all []string
	for _, file := range s.files {
		all = append(all, file.Names()...)
	}
	return all
}

// usual returns the usual path of a schema with a name.
func usual(id string) string { return "/" + strings.ReplaceAll(id, ".", "/") + "/" }

// has reports whether a schema has a key.
func (s *schema) has(name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasSuffix(name, "/") {
		return false
	}
	for ; s != nil; s = s.base {
		_, ok, err := s.table.Value(name)
		s.all.fail(err)
		if ok {
			return true
		}
	}
	return false
}

// keys returns the names of the keys of a schema.
func (s *schema) keys() []string {
	var all []string
	for _, name := range s.table.Names() {
		if s.has(name) {
			all = append(all, name)
		}
	}
	return all
}

// key returns the definition of a key in a schema, nil if the schema lacks it.
func (s *schemas) key(of *schema, name string) *key {
	for ; of != nil; of = of.base {
		v, ok, err := of.table.Value(name)
		s.fail(err)
		if ok {
			k, err := newKey(v, s.desktops)
			s.fail(err)
			return k
		}
	}
	return nil
}

// entries returns the entries of a dictionary of variants.
func entries(v gvariant.Value) map[string]gvariant.Value {
	all := map[string]gvariant.Value{}
	for _, e := range v.Inner() {
		if inner := e.Inner(); len(inner) == 2 && inner[1].Type() == "v" {
			name, _ := inner[0].Text()
			all[name] = inner[1].Inner()[0]
		}
	}
	return all
}
