// Package flatpak has the four domains of Flatpak: installations, remotes, apps and
// overrides.
//
// It reads the files of the installations, and starts no process for that.
// flatpak-installation(5) describes their format; the sources of Flatpak 1.14
// (common/flatpak-dir.c) describe the rest. flatpak makes all changes, except those of
// overrides and of files in installations.d, which bkt writes.
package flatpak

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/keyfile"
	"bkt/internal/manifest"
	"bkt/internal/plainfile"
	"bkt/internal/reconcile"

	"golang.org/x/sys/unix"
)

// Installations are the folders of Flatpak's installations.
type Installations struct {
	Missing bool   // the program is not installed
	User    string // the folder of the user's installation
	System  string // the folder of the system's installation
	Config  string // the folder of installations.d, which names further installations; "": none

	// Declared returns the folder of a further installation that is declared, and may
	// not exist yet; "": none. It may be nil.
	Declared func(manifest.Scope) string

	further *further // nil: not read yet
}

// read returns the installations with what the files in installations.d say now.
func (i Installations) read() Installations {
	f := readFurther(i.Config)
	i.further = &f
	return i
}

// scopes returns all installations that can be read, in a fixed order.
func (i Installations) scopes() []manifest.Scope {
	scopes := []manifest.Scope{manifest.ScopeSystem}
	for _, d := range i.further.defined {
		scopes = append(scopes, d.Scope)
	}
	return append(scopes, manifest.ScopeUser)
}

// each calls read with the folder of each installation that has part, a name in that
// folder. Overrides can exist before anything is installed. An installation that cannot be
// read is unread; if this is true of all, the error is a [*reconcile.Unavailable].
func (i Installations) each(part string, read func(manifest.Scope, string, *unread) error) (*unread, error) {
	if i.Missing {
		return nil, reconcile.Absentf(i.has(part), "flatpak is not installed")
	}
	u := unread{parts: slices.Clone(i.further.unread), further: i.further}
	var errs []error
	count := 0
	for _, scope := range i.scopes() {
		if !i.hasPart(scope, part) {
			continue
		}
		if err := read(scope, i.dir(scope), &u); err != nil {
			u.addScope(scope, err)
			errs = append(errs, err)
			continue
		}
		count++
	}
	if len(errs) > 0 && count == 0 {
		return nil, &reconcile.Unavailable{Reason: errors.Join(errs...)}
	}
	return &u, nil
}

// has reports whether an installation has part.
func (i Installations) has(part string) bool {
	return slices.ContainsFunc(i.scopes(), func(scope manifest.Scope) bool { return i.hasPart(scope, part) })
}

func (i Installations) hasPart(scope manifest.Scope, part string) bool {
	_, err := os.Stat(filepath.Join(i.dir(scope), part))
	return !errors.Is(err, fs.ErrNotExist)
}

// dir returns the folder of an installation, "" if there is no installation of this name.
func (i Installations) dir(scope manifest.Scope) string {
	switch scope {
	case manifest.ScopeUser:
		return i.User
	case manifest.ScopeSystem:
		return i.System
	}
	if i.further == nil {
		i = i.read()
	}
	if d, ok := i.further.find(scope); ok {
		return d.Path
	}
	if i.Declared != nil {
		return i.Declared(scope)
	}
	return ""
}

// errNoInstallation is the error of a file of an installation that does not exist.
func errNoInstallation(scope manifest.Scope) error {
	err := fmt.Errorf("no installation of Flatpak is called %q", strings.TrimPrefix(string(scope), "installation="))
	return hint.Add(err, "declare it in %s, with its scope and its path", manifest.FlatpakInstallationsPath)
}

// identity identifies an installation by the inode and the creation time of its part, so
// that a new installation in the same place has another identity.
func (i Installations) identity(part string, scope manifest.Scope) string {
	if i.dir(scope) == "" {
		return ""
	}
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, filepath.Join(i.dir(scope), part), 0, unix.STATX_INO|unix.STATX_BTIME, &st)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d-%d.%09d", st.Ino, st.Btime.Sec, st.Btime.Nsec)
}

// Names in the folder of an installation.
const (
	repository      = "repo"
	overridesFolder = "overrides"
)

// readConfig reads the configuration of an installation.
func readConfig(dir string) (keyfile.File, error) {
	path := filepath.Join(dir, "repo", "config")
	text, err := plainfile.Read(path, plainfile.MaxText)
	if err != nil {
		return nil, err
	}
	config, err := keyfile.Parse(text)
	if err == nil && config.Get("core", "repo_version") == "" {
		err = errors.New("it has no [core] with a repo_version")
	}
	if err != nil {
		err = fmt.Errorf("%s is damaged: %w", path, err)
	}
	return config, err
}

// option returns the option of flatpak that selects the installation.
func option(scope manifest.Scope) string { return "--" + string(scope) }

// remoteGroup returns the group of a remote in the configuration.
func remoteGroup(name string) string { return fmt.Sprintf("remote %q", name) }

// remoteName is the inverse of remoteGroup.
func remoteName(group string) (string, bool) {
	return quotedName("remote", group)
}

// quotedName returns the name in the title of a group such as remote "x".
func quotedName(kind, group string) (string, bool) {
	name, ok := strings.CutPrefix(group, kind+` "`)
	name, closed := strings.CutSuffix(name, `"`)
	return name, ok && closed
}
