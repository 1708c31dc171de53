// Package gsettings is the domain of the settings of the desktop and its programs, but
// only of those that the user has set.
//
// It reads the settings from the user's database, not from dconf or gsettings: these
// print effective values, with defaults of the vendor, and read a damaged database as
// an empty one. Formats and rules are those of dconf(7) and of GLib 2.74's
// gio/gsettingsschema.c.
package gsettings

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

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
	SharedDirs []string // with the desktop sessions that a user can choose
}

// Values returns the values of the keys of a schema now, and the values below the user's
// own. It returns a *[reconcile.Unavailable] error if the schema is not installed, or cannot
// be read.
func (d Domain) Values(id string) (now, below map[string]gvariant.Value, err error) {
	db, err := d.databases()
	if err != nil {
		return nil, nil, err
	}
	s := d.schemas()
	of := s.schema(id)
	if of == nil || of.path == "" {
		if err := s.err(id); err != nil {
			return nil, nil, err
		}
		return nil, nil, reconcile.Absentf(false, "the schema %s of GSettings is not installed", id)
	}
	now, below = map[string]gvariant.Value{}, map[string]gvariant.Value{}
	for _, name := range of.keys() {
		beneath, user, err := s.both(db, of.path+name, s.key(of, name))
		if err != nil {
			return nil, nil, reconcile.Unavailablef("the databases of dconf: %w", err)
		}
		now[name], below[name] = user, beneath
	}
	return now, below, s.err(id)
}

// both returns the value of a key without the user's own, and with it.
func (s *schemas) both(db databases, path string, k *key) (beneath, now gvariant.Value, err error) {
	beneath, ok, err := db.beneath(path)
	if !ok && k != nil {
		beneath = s.defaults(k)[0]
	}
	user, ok, errUser := db.user.Value(path)
	if !ok || db.locks[path] || !(setting{value: user, key: k}).counts() {
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
