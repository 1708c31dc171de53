// Package gsettings is the domain of the settings of the desktop and its programs, but
// only of those that the user has set.
//
// It reads the settings from the user's database, not from dconf or gsettings: these
// print effective values, with defaults of the vendor, and read a damaged database as
// an empty one. Formats and rules are those of dconf(7) and of GLib 2.74's
// gio/gsettingsschema.c.
package gsettings

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/gvariant"
	"bkt/internal/homepath"
	"bkt/internal/manifest"
	"bkt/internal/reconcile"

	"golang.org/x/sys/unix"
)

// Domain is the domain of settings. Its folders are the ones in dconf(7) and in the XDG
// Base Directory Specification.
type Domain struct {
	Missing bool   // the program dconf is not installed
	Bus     string // the address of the session bus; "": no bus

	Home       string // the folder that manifests call ${HOME}
	ConfigHome string
	DataHome   string
	DataDirs   []string
	RuntimeDir string // of the user; "": none
	RunDir     string // "/run"
	EtcDir     string // "/etc"
	UID        int
	Profile    string   // DCONF_PROFILE
	SchemaDirs []string // GSETTINGS_SCHEMA_DIR
	Desktops   []string // XDG_CURRENT_DESKTOP
}

// A setting is a setting in the database.
type setting struct {
	folder, name string // in dconf
	value        gvariant.Value
	schema       *schema // nil: no schema has it
	key          *key
}

// Observe returns the settings that the user has set. Values that equal the default, and
// state that programs change by themselves, count only if they are declared.
func (d Domain) Observe(_ context.Context, _ reconcile.System, declared []manifest.Setting) (reconcile.Snapshot[manifest.Setting], error) {
	db, err := d.databases()
	if err != nil {
		return reconcile.Snapshot[manifest.Setting]{}, err
	}
	schemas, err := d.schemas()
	if err != nil {
		return reconcile.Snapshot[manifest.Setting]{}, err
	}
	o := observer{d, db, schemas, homepath.Of(d.Home)}
	items, leftOut, err := o.items(schemas.locate(declared))
	identity := d.identity()
	return reconcile.Snapshot[manifest.Setting]{
		Items:    items,
		Plan:     snapshot{d, db, schemas, d.busError(declared)}.plan,
		Identity: func(manifest.Setting) string { return identity },
		Hidden:   schemas.hides,
		Notes:    schemas.notes(),
		LeftOut:  leftOut,
	}, errors.Join(err, schemas.err)
}

// An observer has what Observe reads items from.
type observer struct {
	Domain
	db      databases
	schemas *schemas
	names   homepath.Names
}

// items returns the settings that count, and those that a capture leaves out.
func (o observer) items(known map[string]manifest.Setting) (items []manifest.Setting, leftOut []reconcile.LeftOut, err error) {
	for _, path := range o.db.user.Names() {
		value, ok, err := o.db.user.Value(path)
		if err != nil {
			return nil, nil, reconcile.Unavailablef("the database of dconf: %w", err)
		}
		k, declared := known[path]
		if !ok || !declared && slices.Contains(extensionKeys, path) {
			continue
		}
		found := o.schemas.find(path, value)
		redundant, err := found.redundant(o.db)
		switch {
		case err != nil:
			return nil, nil, reconcile.Unavailablef("the databases of dconf: %w", err)
		case declared && found.counts():
			items = append(items, o.reworded(found, k))
		case declared || redundant:
		case o.leavesOut(found) != "":
			leftOut = append(leftOut, reconcile.LeftOut{Reason: o.leavesOut(found), What: o.item(found).Key()})
		default:
			items = append(items, o.item(found))
		}
	}
	locked, err := o.locked(known)
	if err != nil {
		return nil, nil, reconcile.Unavailablef("the databases of dconf: %w", err)
	}
	return append(items, locked...), leftOut, nil
}

// leavesOut returns the reason why a setting that is not declared is not captured, "" if it
// is.
func (o observer) leavesOut(f setting) string {
	switch {
	case o.db.locks[f.folder+f.name]:
		return "values that a lock of the system hides"
	case !f.counts():
		return "values that their schema does not allow"
	}
	return leavesOut(f.folder+f.name, f.value.Type())
}

// locked returns the declared settings that the system has locked to the declared
// value, so that they need not be set.
func (o observer) locked(known map[string]manifest.Setting) ([]manifest.Setting, error) {
	var items []manifest.Setting
	for path := range o.db.locks {
		k, ok := known[path]
		if !ok {
			continue
		}
		_, set, errUser := o.db.user.Value(path)
		below, ok, err := o.db.beneath(path)
		if err := errors.Join(errUser, err); err != nil {
			return nil, err
		}
		if !set && ok && o.means(k.Value, below) {
			items = append(items, k)
		}
	}
	return items, nil
}

// counts reports whether GSettings uses a value: it ignores values that the schema does
// not allow.
func (f setting) counts() bool {
	return f.key == nil || f.value.Type() == f.key.standard.Type() && f.key.check(f.value) == nil
}

// Values returns the values of the keys of a schema now, and the values below the user's
// own. It returns a *[reconcile.Unavailable] error if the schema is not installed.
func (d Domain) Values(id string) (now, below map[string]gvariant.Value, err error) {
	db, err := d.databases()
	if err != nil {
		return nil, nil, err
	}
	s, err := d.schemas()
	if err != nil {
		return nil, nil, err
	}
	of := s.schema(id)
	if of == nil || of.path == "" {
		return nil, nil, errors.Join(s.err, reconcile.Absentf(false, "the schema %s of GSettings is not installed", id))
	}
	now, below = map[string]gvariant.Value{}, map[string]gvariant.Value{}
	for _, name := range of.keys() {
		beneath, user, err := db.both(of.path+name, s.key(of, name))
		if err != nil {
			return nil, nil, reconcile.Unavailablef("the databases of dconf: %w", err)
		}
		now[name], below[name] = user, beneath
	}
	return now, below, s.err
}

// both returns the value of a key without the user's own, and with it.
func (b databases) both(path string, k *key) (beneath, now gvariant.Value, err error) {
	beneath, ok, err := b.beneath(path)
	if !ok && k != nil {
		beneath = k.standard
	}
	user, ok, errUser := b.user.Value(path)
	if !ok || b.locks[path] || !(setting{value: user, key: k}).counts() {
		user = beneath
	}
	return beneath, user, errors.Join(err, errUser)
}

// locate returns settings by their paths.
func (s *schemas) locate(known []manifest.Setting) map[string]manifest.Setting {
	all := make(map[string]manifest.Setting, len(known))
	for _, k := range slices.Backward(known) { // the manifest comes before the base
		all[s.path(k)] = k
	}
	return all
}

// path returns the path of a setting in dconf. For a schema that is not installed, it is
// the usual path.
func (s *schemas) path(k manifest.Setting) string {
	id, folder := k.Location()
	if folder != "" {
		return folder + k.Name
	}
	if found := s.schema(id); found != nil && found.path != "" {
		return found.path + k.Name
	}
	return usual(id) + k.Name
}

// find returns a value with its schema and key.
func (s *schemas) find(path string, value gvariant.Value) setting {
	i := strings.LastIndexByte(path, '/') + 1
	found := setting{folder: path[:i], name: path[i:], value: value}
	if of := s.at(found.folder, found.name); of != nil {
		found.schema, found.key = of, s.key(of, found.name)
	}
	return found
}

// redundant reports whether a setting equals the value that the key has without it.
func (f setting) redundant(db databases) (bool, error) {
	below, ok, err := db.beneath(f.folder + f.name)
	if ok || err != nil {
		return ok && below.Equal(f.value), err
	}
	// A translated default may differ in the user's language.
	return f.key != nil && !f.key.translated && f.key.standard.Equal(f.value), nil
}

// item returns a setting that is not declared in the form of a manifest.
func (o observer) item(f setting) manifest.Setting {
	item := manifest.Setting{Name: f.name, Value: o.text(f.value)}
	if f.schema != nil {
		item.Schema = f.schema.id
	}
	if f.schema == nil || f.schema.path == "" {
		item.Path = f.folder
	}
	return item
}

// reworded returns a setting in the words of its declaration.
func (o observer) reworded(f setting, known manifest.Setting) manifest.Setting {
	if o.means(known.Value, f.value) {
		return known
	}
	known.Value = o.text(f.value)
	return known
}

// means reports whether the text in a manifest has a value. All names of the home are the
// same.
func (o observer) means(text string, value gvariant.Value) bool {
	v, err := o.parse(value.Type(), text)
	return err == nil && (v.Equal(value) || v.Strings(o.names.Usual).Equal(value.Strings(o.names.Usual)))
}

// text returns a value in the form of a manifest.
func (o observer) text(v gvariant.Value) string { return o.contract(v.Strings(o.names.Usual)).String() }

// parse parses the value in a manifest. t is its type, "" if unknown.
func (d Domain) parse(t, text string) (gvariant.Value, error) {
	v, err := gvariant.Parse(t, text)
	if err != nil {
		return v, err
	}
	return v.Strings(func(s string) string { return homepath.Decode(s, d.Home) }), nil
}

// contract replaces the home by ${HOME} in strings.
func (d Domain) contract(v gvariant.Value) gvariant.Value {
	return v.Strings(func(s string) string { return homepath.Encode(s, d.Home) })
}

// identity identifies the database of the user by its folder, because dconf replaces the
// file at each change, and without the device number, which btrfs may change at each
// start.
func (d Domain) identity() string {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, filepath.Join(d.ConfigHome, "dconf"), 0, unix.STATX_INO|unix.STATX_BTIME, &st)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d-%d.%09d", st.Ino, st.Btime.Sec, st.Btime.Nsec)
}

// Same compares values by type and value. If the text of one does not determine its type,
// as with numbers, it has the type of the other.
func (d Domain) Same(a, b manifest.Setting) bool {
	if a.Value == b.Value {
		return true
	}
	x, y, err := d.both(a.Value, b.Value)
	return err == nil && x.Equal(y)
}

func (d Domain) both(a, b string) (x, y gvariant.Value, err error) {
	if x, err = d.parse("", a); err == nil {
		if y, err = d.parse(x.Type(), b); err == nil {
			return x, y, nil
		}
	}
	if y, err = d.parse("", b); err == nil {
		x, err = d.parse(y.Type(), a)
	}
	return x, y, err
}

// Merge implements [reconcile.Merger] for lists of strings. The elements of theirs come
// first, in their order, then those that only ours has.
func (d Domain) Merge(base, ours, theirs manifest.Setting) (manifest.Setting, bool) {
	b, errBase := d.parse("as", base.Value)
	o, errOurs := d.parse("as", ours.Value)
	t, errTheirs := d.parse("as", theirs.Value)
	if errors.Join(errBase, errOurs, errTheirs) != nil {
		return ours, false
	}
	var merged []gvariant.Value
	for _, e := range t.Inner() {
		if has(o, e) || !has(b, e) {
			merged = append(merged, e)
		}
	}
	for _, e := range o.Inner() {
		if !has(t, e) && !has(b, e) {
			merged = append(merged, e)
		}
	}
	ours.Value = d.contract(gvariant.NewArray("as", merged...)).String()
	return ours, true
}

func has(list, element gvariant.Value) bool {
	return slices.ContainsFunc(list.Inner(), element.Equal)
}
