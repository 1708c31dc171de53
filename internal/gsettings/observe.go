package gsettings

import (
	"context"
	"errors"
	"slices"
	"strings"

	"bkt/internal/gvariant"
	"bkt/internal/homepath"
	"bkt/internal/manifest"
	"bkt/internal/reconcile"
)

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
	schemas := d.schemas()
	known := schemas.locate(declared)
	o := observer{Domain: d, db: db, schemas: schemas, names: homepath.Of(d.Home), known: known, seen: map[string]bool{}}
	if err := o.observe(); err != nil {
		return reconcile.Snapshot[manifest.Setting]{}, reconcile.Unavailablef("the databases of dconf: %w", err)
	}
	schemas.check(known, o.seen)
	inFlatpaks, err := d.ofFlatpaks()
	o.leftOut = append(o.leftOut, inFlatpaks...)
	unread := schemas.allUnread()
	if err != nil {
		unread = append(unread, reconcile.Unread{What: "the settings inside Flatpak apps", Err: err})
	}
	identity := d.identity()
	return reconcile.Snapshot[manifest.Setting]{
		Items:    o.items,
		Plan:     snapshot{d, db, schemas, d.busError(declared)}.plan,
		Identity: func(manifest.Setting) string { return identity },
		Hidden:   schemas.hides,
		Unread:   unread,
		LeftOut:  o.leftOut,
	}, nil
}

// An observer finds the items in the databases.
type observer struct {
	Domain
	db      databases
	schemas *schemas
	names   homepath.Names
	known   map[string]manifest.Setting // by path
	seen    map[string]bool             // of known: the database has it

	items   []manifest.Setting
	leftOut []reconcile.LeftOut
	stored  []setting // that depend on the items
}

func (o *observer) observe() error {
	for _, path := range o.db.user.Names() {
		value, ok, err := o.db.user.Value(path)
		switch {
		case err != nil:
			return err
		case !ok:
		case isStoredForNotifications(path):
			o.stored = append(o.stored, setting{folder: path, value: value})
		default:
			err = o.add(path, value)
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(o.addStored(), o.addLocked())
}

// add adds the item of a value in the user's database, or says why a capture leaves it out.
func (o *observer) add(path string, value gvariant.Value) error {
	known, declared := o.known[path]
	switch {
	case declared:
		o.seen[path] = true
	case slices.Contains(extensionKeys, path):
		return nil // another domain
	}
	found := o.schemas.find(path, value)
	redundant, err := o.redundant(found)
	switch {
	case err != nil:
		return err
	case declared && found.counts():
		o.items = append(o.items, o.reworded(found, known))
	case declared || redundant:
	default:
		o.addUndeclared(found)
	}
	return nil
}

// addUndeclared adds a setting that is not declared, unless there is a reason against it.
func (o *observer) addUndeclared(f setting) {
	if reason := o.leavesOut(f); reason != "" {
		o.leave(reason, f)
		return
	}
	o.items = append(o.items, o.item(f))
}

// leavesOut returns the reason why a setting that is not declared is not captured, "" if it
// is.
func (o *observer) leavesOut(f setting) string {
	switch path := f.folder + f.name; {
	case o.db.locks[path]:
		return "values that a lock of the system hides"
	case !f.counts():
		return "values that their schema does not allow"
	case isStoredForNotifications(path):
		return ""
	default:
		return leavesOut(path, f.value.Type())
	}
}

func (o *observer) leave(reason string, f setting) {
	o.leftOut = append(o.leftOut, reconcile.LeftOut{Reason: reason, What: o.item(f).Key()})
}

// addLocked adds the declared settings that the system has locked to the declared value,
// so that they need not be set.
func (o *observer) addLocked() error {
	for path := range o.db.locks {
		k, ok := o.known[path]
		if !ok {
			continue
		}
		_, set, errUser := o.db.user.Value(path)
		below, ok, err := o.db.beneath(path)
		if err := errors.Join(errUser, err); err != nil {
			return err
		}
		if !set && ok && o.means(k.Value, below) {
			o.items = append(o.items, k)
		}
	}
	return nil
}

// counts reports whether GSettings uses a value: it ignores values that the schema does
// not allow.
func (f setting) counts() bool {
	return f.key == nil || f.value.Type() == f.key.standard.Type() && f.key.check(f.value) == nil
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

// redundant reports whether a setting equals the value that the key has without it, in
// each desktop of this computer: a command may run outside of any.
func (o *observer) redundant(f setting) (bool, error) {
	below, ok, err := o.db.beneath(f.folder + f.name)
	if ok || err != nil {
		return ok && below.Equal(f.value), err
	}
	// A translated default may differ in the user's language.
	if f.key == nil || f.key.translated {
		return false, nil
	}
	for _, standard := range o.schemas.defaults(f.key) {
		if !standard.Equal(f.value) {
			return false, nil
		}
	}
	return true, nil
}

// item returns a setting that is not declared in the form of a manifest.
func (o *observer) item(f setting) manifest.Setting {
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
func (o *observer) reworded(f setting, known manifest.Setting) manifest.Setting {
	if o.means(known.Value, f.value) {
		return known
	}
	known.Value = o.text(f.value)
	return known
}

// means reports whether the text in a manifest has a value. All names of the home are the
// same.
func (o *observer) means(text string, value gvariant.Value) bool {
	v, err := o.parse(value.Type(), text)
	return err == nil && (v.Equal(value) || v.Strings(o.names.Usual).Equal(value.Strings(o.names.Usual)))
}

// text returns a value in the form of a manifest.
func (o *observer) text(v gvariant.Value) string {
	return o.contract(v.Strings(o.names.Usual)).String()
}
