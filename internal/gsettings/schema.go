package gsettings

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"bkt/internal/gvariant"
	"bkt/internal/gvdb"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/reconcile"
)

// schemas are the installed schemas. They are read on demand. GSettings ignores those that
// cannot be read, and uses all others.
type schemas struct {
	files  []gvdb.Table
	found  map[string]*schema   // by name; nil: does not exist
	byPath map[string][]*schema // nil: not indexed yet
	unread []reconcile.Unread   // files and folders
	bad    map[string]error     // by the names of schemas that are read in part or not at all

	sessions   func() [][]string
	noSessions error // of sessions
}

// A schema defines the keys of a folder of dconf.
type schema struct {
	id    string
	path  string // "": each user of the schema has its own path
	table gvdb.Table
	base  *schema // the schema that it extends
	all   *schemas
}

// recompile is what recreates a file of schemas.
const recompile = "glib-compile-schemas recreates its file"

func (d Domain) schemas() *schemas {
	s := &schemas{found: map[string]*schema{}, bad: map[string]error{}}
	for _, name := range s.list(d) {
		table, err := read(name)
		switch {
		case err == nil:
			s.files = append(s.files, table)
		case !patherr.IsMissing(err):
			s.fileFails(name, hint.Add(patherr.Reason(err), recompile))
		}
	}
	s.sessions = sync.OnceValue(func() [][]string {
		all, err := d.sessions()
		if err != nil {
			s.noSessions = err
			return nil // and every default counts
		}
		return all
	})
	return s
}

// list returns the files of schemas in the order of precedence. The last ones are those of
// extensions, which only extensions use. A file need not exist.
func (s *schemas) list(d Domain) []string {
	const name = "gschemas.compiled"
	var files, ofExtensions []string
	for _, dir := range d.SchemaDirs {
		files = append(files, filepath.Join(dir, name))
	}
	for _, dir := range append([]string{d.DataHome}, d.DataDirs...) {
		files = append(files, filepath.Join(dir, "glib-2.0", "schemas", name))
		extensions := filepath.Join(dir, "gnome-shell", "extensions")
		entries, err := os.ReadDir(extensions)
		if !patherr.IsMissing(err) && err != nil {
			s.fileFails(extensions, patherr.Reason(err))
		}
		for _, e := range entries {
			ofExtensions = append(ofExtensions, filepath.Join(extensions, e.Name(), "schemas", name))
		}
	}
	return append(files, ofExtensions...)
}

func (s *schemas) fileFails(what string, err error) {
	s.unread = append(s.unread, reconcile.Unread{What: what, Err: err})
}

// fail notes that a schema cannot be read.
func (s *schemas) fail(id string, err error) {
	if err != nil && s.bad[id] == nil {
		s.bad[id] = err
	}
}

// err returns the error of a schema. If there is none, the schema may be in a file that cannot
// be read.
func (s *schemas) err(id string) error {
	if err := s.bad[id]; err != nil {
		return reconcile.Unavailablef("the schema %s cannot be read: %w", id, hint.Add(err, recompile))
	}
	if s.schema(id) != nil || len(s.unread) == 0 {
		return nil
	}
	return reconcile.Unavailablef("%s cannot be read: %w", s.unread[0].What, s.unread[0].Err)
}

// check reads the keys of settings, by path, that are not seen yet, so that all schemas of
// theirs that cannot be read are known.
func (s *schemas) check(settings map[string]manifest.Setting, seen map[string]bool) {
	for at, k := range settings {
		if seen[at] {
			continue
		}
		if id, folder := k.Location(); id == "" {
			s.key(s.at(folder, k.Name), k.Name)
		} else {
			s.key(s.schema(id), k.Name)
		}
	}
}

// hides reports whether a setting may belong to a schema that cannot be read: then its name,
// and whether it is set, are unknown.
func (s *schemas) hides(k manifest.Setting) bool {
	if len(s.unread)+len(s.bad) == 0 {
		return false
	}
	id, folder := k.Location()
	if id == "" {
		of := s.at(folder, k.Name)
		return of == nil && (len(s.unread) > 0 || s.isBadAt(folder)) || of != nil && s.bad[of.id] != nil
	}
	return s.bad[id] != nil || s.schema(id) == nil && len(s.unread) > 0
}

// isBadAt reports whether a schema that cannot be read may have keys in a folder of dconf.
func (s *schemas) isBadAt(folder string) bool {
	for id := range s.bad {
		of := s.found[id]
		if of == nil && folder == usual(id) || of != nil && folder == of.path {
			return true
		}
	}
	ids := relocated(folder)
	return s.bad[ids[0]] != nil || s.bad[ids[1]] != nil
}

// allUnread returns what cannot be read, in order.
func (s *schemas) allUnread() []reconcile.Unread {
	all := slices.Clone(s.unread)
	if s.noSessions != nil {
		all = append(all, reconcile.Unread{What: "the list of desktop sessions", Err: s.noSessions})
	}
	for _, id := range slices.Sorted(maps.Keys(s.bad)) {
		all = append(all, reconcile.Unread{What: "the schema " + id, Err: hint.Add(s.bad[id], recompile)})
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
		s.fail(id, err)
		if ok {
			s.found[id] = s.open(id, table)
		}
		if ok || err != nil {
			break
		}
	}
	return s.found[id]
}

func (s *schemas) open(id string, table gvdb.Table) *schema {
	text := func(name string) string {
		v, _, err := table.Value(name)
		s.fail(id, err)
		t, _ := v.Text()
		return t
	}
	opened := &schema{id: id, path: text(".path"), table: table, all: s}
	if base := text(".extends"); base != "" {
		if opened.base = s.schema(base); opened.base == nil {
			s.fail(id, fmt.Errorf("the schema %s, which it extends, cannot be read", base))
		}
	}
	return opened
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
	for _, id := range relocated(folder) {
		if found := s.schema(id); found != nil && found.path == "" && found.has(name) {
			return found
		}
	}
	return nil
}

// relocated returns the usual names of a schema for the children of a list.
func relocated(folder string) [2]string {
	parent := strings.ReplaceAll(strings.Trim(path.Dir(strings.TrimSuffix(folder, "/")), "/"), "/", ".")
	return [2]string{parent, strings.TrimSuffix(parent, "s")}
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
	for of := s; of != nil; of = of.base {
		_, ok, err := of.table.Value(name)
		s.all.fail(s.id, err)
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
	for base := of; base != nil; base = base.base {
		v, ok, err := base.table.Value(name)
		s.fail(of.id, err)
		if ok {
			k, err := newKey(v)
			s.fail(of.id, err)
			return k
		}
	}
	return nil
}

// defaults returns the defaults of a key in the sessions of this computer: see
// [key.defaults].
func (s *schemas) defaults(k *key) []gvariant.Value {
	if len(k.byDesktop) == 0 {
		return k.defaults(nil)
	}
	return k.defaults(s.sessions())
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
