package extension

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"bkt/internal/patherr"
	"bkt/internal/plainfile"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// folders are the installed extensions, by uuid.
type folders struct {
	user, system map[string]metadata
	staged       map[string]bool // extensions whose update waits for the next login
	odd          map[string]bool // folders of the user that are not empty and not extensions
	unread       map[string]reconcile.Unread
}

// metadata is the content of the metadata file of an extension.
type metadata struct {
	UUID      string  `json:"uuid"`
	Version   version `json:"version"`
	Generated string  `json:"_generated"`
}

// A version is the number of a release at extensions.gnome.org. Any other value in the
// metadata counts as none.
type version uint

// UnmarshalJSON implements json.Unmarshaler.
func (v *version) UnmarshalJSON(text []byte) error {
	n, err := strconv.ParseUint(string(text), 10, 32)
	if err == nil {
		*v = version(n)
	}
	return nil
}

// source returns the source of an extension. Only extensions.gnome.org adds its name to
// the metadata.
func (m metadata) source() string {
	if m.Version != 0 && strings.Contains(m.Generated, "SweetTooth") {
		return "ego"
	}
	return "unknown"
}

const (
	belowData    = "gnome-shell/extensions"
	updatesBelow = "gnome-shell/extension-updates"
)

// place returns the folder of an extension of the user.
func (d Domain) place(id string) string { return filepath.Join(d.Data, belowData, id) }

// updates returns the folder of the update of an extension for the next login.
func (d Domain) updates(id string) string { return filepath.Join(d.Data, updatesBelow, id) }

func (d Domain) archive(id string) string {
	return filepath.Join(d.Cache, "bkt", "extensions", id+".zip")
}

// folders returns the installed extensions.
func (d Domain) folders() (folders, error) {
	f := folders{staged: map[string]bool{}, unread: map[string]reconcile.Unread{}}
	var err error
	if f.user, f.odd, err = f.read(filepath.Join(d.Data, belowData)); err != nil {
		return f, err
	}
	updates, _, err := f.read(filepath.Join(d.Data, updatesBelow))
	if err != nil {
		return f, err
	}
	for id, m := range updates {
		f.user[id], f.staged[id] = m, true
	}
	f.system = map[string]metadata{}
	for _, dir := range d.DataDirs {
		if !filepath.IsAbs(dir) {
			continue // ignored according to the specification
		}
		found, _, err := f.read(filepath.Join(dir, belowData))
		if err != nil {
			return f, err
		}
		for id, m := range found {
			if _, ok := f.system[id]; !ok {
				f.system[id] = m
			}
		}
	}
	return f, nil
}

// read returns the extensions in dir. odd are the other folders that are not empty, which
// the shell does not load. An extension with metadata that cannot be read is not missing.
func (f folders) read(dir string) (found map[string]metadata, odd map[string]bool, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	found, odd = map[string]metadata{}, map[string]bool{}
	for _, entry := range entries {
		id := entry.Name()
		file := filepath.Join(dir, id, metadataFile)
		m, err := readMetadata(file)
		switch {
		case err == nil && m.UUID == id:
			found[id] = m
		case patherr.UnlessMissing(err) != nil:
			f.unread[id], odd[id] = reconcile.Unread{What: file, Err: err}, true
		default:
			inside, err := os.ReadDir(filepath.Join(dir, id))
			odd[id] = err != nil || len(inside) > 0
		}
	}
	return found, odd, nil
}

const metadataFile = "metadata.json"

func readMetadata(path string) (metadata, error) {
	var m metadata
	text, err := plainfile.Read(path, plainfile.MaxText)
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return m, err
}

// has reports whether an extension is installed, in the declared version. For an extension
// of the system, the version does not count.
func (f folders) has(want extension) bool {
	if m, ok := f.user[want.ID]; ok {
		return want.Version == 0 || uint(m.Version) == want.Version
	}
	_, ok := f.system[want.ID]
	return ok
}

// lack reports whether an extension among known may need a download.
func (f folders) lack(known []extension) bool {
	for _, e := range known {
		if e.Source != "system" && e.Source != "unknown" && !f.has(e) {
			return true
		}
	}
	return false
}

// expected returns the required metadata of a downloaded extension. The shell compares
// versions by the first number; before version 40, by the first two.
func (s snapshot) expected(want extension) []plan.Expectation {
	all := []plan.Expectation{{File: metadataFile, Field: "uuid", Value: want.ID, Wrong: "it contains the extension %q"}}
	if want.Version != 0 {
		all = append(all, plan.Expectation{File: metadataFile, Field: "version", Value: want.Version, Wrong: fmt.Sprintf("it has version %%s, not %d", want.Version)})
	}
	if s.anyShell || s.shell == "" {
		return all
	}
	wrong := "it is for GNOME Shell %s, and this is " + strings.ReplaceAll(s.shell, "%", "%%")
	return append(all, plan.Expectation{File: metadataFile, Field: "shell-version", Value: series(s.shell), Release: true, Wrong: wrong})
}

func series(shell string) string {
	numbers := strings.Split(shell, ".")
	if len(numbers) > 1 && numbers[0] == "3" {
		return strings.Join(numbers[:2], ".")
	}
	return numbers[0]
}
