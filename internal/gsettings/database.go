package gsettings

import (
	"errors"
	"io/fs"

	"bkt/internal/gvariant"
	"bkt/internal/gvdb"
	"bkt/internal/hint"
	"bkt/internal/plainfile"
	"bkt/internal/reconcile"
)

// databases are the databases of dconf.
type databases struct {
	name  string // of the user's database
	user  gvdb.Table
	below []gvdb.Table // the databases for keys that the user has not set
	locks map[string]bool
}

func (d Domain) databases() (databases, error) {
	sources, err := d.sources()
	if err != nil {
		return databases{}, err
	}
	name, err := userDatabase(sources)
	if err != nil {
		return databases{}, err
	}
	all := databases{name: name, locks: map[string]bool{}}
	if all.user, err = d.userTable(sources[0]); err != nil {
		return all, err
	}
	for _, s := range sources[1:] {
		if err := all.add(d, s); err != nil {
			return all, err
		}
	}
	return all, nil
}

// userTable returns the user's own settings.
func (d Domain) userTable(source string) (gvdb.Table, error) {
	path, _ := d.file(source)
	table, err := read(path)
	switch {
	case err == nil:
		return table, nil
	case !errors.Is(err, fs.ErrNotExist):
		return table, reconcile.Unavailablef("%w", withoutDatabase(err))
	case d.Missing:
		return table, reconcile.Absentf(false, "%w", errNoDconf)
	}
	return gvdb.Table{}, nil
}

// withoutDatabase adds what to do about a damaged database to an error. Settings that the
// user may not read are not lost: nothing is to be moved away.
func withoutDatabase(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return err
	}
	return hint.Add(err, "move it away to start without settings, or restore it from a backup")
}

var errNoDconf = hint.Add(errors.New("dconf is not installed"), "install dconf; on Debian, dconf-cli and dconf-service")

// add adds a source other than the user's.
func (b *databases) add(d Domain, source string) error {
	path, ok := d.file(source)
	if !ok {
		return nil // dconf ignores unknown kinds of sources, too
	}
	table, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return reconcile.Unavailablef("%w", hint.Add(err, `"dconf update" recreates the databases of the system`))
	}
	b.below = append(b.below, table)
	locks, _, err := table.Table(".locks")
	for _, name := range locks.Names() {
		b.locks[name] = true
	}
	return err
}

// read reads a file of GVDB.
func read(path string) (gvdb.Table, error) {
	data, err := plainfile.Read(path, plainfile.MaxText)
	if err != nil {
		return gvdb.Table{}, err
	}
	table, err := gvdb.Parse(data)
	if err != nil {
		return table, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return table, nil
}

// beneath returns the value of a key in the databases below the user's.
func (b databases) beneath(path string) (gvariant.Value, bool, error) {
	for _, table := range b.below {
		if v, ok, err := table.Value(path); ok || err != nil {
			return v, ok, err
		}
	}
	return gvariant.Value{}, false, nil
}
