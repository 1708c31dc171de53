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
	known    map[string]*schema
	byPath   map[string][]*schema // nil: not made yet
	err      error
	broken   []error // of schemas that come with extensions, and cannot be read
}

// A schema says what keys there are in a folder of dconf.
type schema struct {
	id    string
	path  string // "": that of whoever uses it
	table gvdb.Table
	base  *schema // the one that it extends
	all   *schemas
}

func (d Domain) schemas() (*schemas, error) {
	s := &schemas{desktops: d.Desktops, known: map[string]*schema{}}
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
		case !patherr.IsMissing(err): // it is the extension that is broken, and not all settings
			s.broken = append(s.broken, err)
		}
	}
	return s, nil
}

// hides reports whether a setting may belong to a schema that cannot be read: then its
// name is unknown, and whether it is set.
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

// notes are about schemas that cannot be read.
func (s *schemas) notes() []string {
	var all []string
	for _, err := range s.broken {
		all = append(all, fmt.Sprintf("schemas of an extension cannot be read, and settings that no other schema has are left alone: %v", err))
	}
	return all
}

// schema returns the schema with this name, nil if it does not exist.
func (s *schemas) schema(id string) *schema {
	if found, ok := s.known[id]; ok {
		return found
	}
	s.known[id] = nil
	for _, file := range s.files {
		table, ok, err := file.Table(id)
		if ok {
			s.known[id] = s.open(id, table)
			break
		}
		s.fail(err)
	}
	return s.known[id]
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
	for _, candidate := range s.byPath[folder] { // the same everywhere, or a key would have several names
		if candidate.has(name) {
			return candidate
		}
	}
	return s.relocatable(folder, name)
}

// relocatable returns the schema for the children of a list, if it is called as
// most are: those of ".../custom-keybindings/" are of "...custom-keybinding".
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

// usual returns where a schema of this name has its keys if it is as most are.
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

// key returns what a schema says about one of its keys.
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

// entries returns what a dictionary of variants has.
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
