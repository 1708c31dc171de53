// Package flatpak has the three domains of Flatpak: remotes, apps and overrides.
//
// It reads the files of the installations, and starts no process for that.
// flatpak-installation(5) describes their format; the sources of Flatpak 1.14
// (common/flatpak-dir.c) describe the rest. flatpak makes all changes, except those of
// overrides, which bkt writes as files.
package flatpak

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

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
}

// each calls read with the folder of each installation that has part, a name in that
// folder. Overrides can exist before anything is installed. An installation that cannot be
// read is unread; if this is true of all, the error is a [*reconcile.Unavailable].
func (i Installations) each(part string, read func(manifest.Scope, string, *unread) error) (*unread, error) {
	if i.Missing {
		return nil, reconcile.Absentf(i.has(part), "flatpak is not installed")
	}
	var u unread
	var errs []error
	read1 := false
	for _, scope := range []manifest.Scope{manifest.ScopeSystem, manifest.ScopeUser} {
		dir := i.dir(scope)
		if _, err := os.Stat(filepath.Join(dir, part)); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := read(scope, dir, &u); err != nil {
			u.addScope(scope, err)
			errs = append(errs, err)
			continue
		}
		read1 = true
	}
	if len(errs) > 0 && !read1 {
		return nil, &reconcile.Unavailable{Reason: errors.Join(errs...)}
	}
	return &u, nil
}

// has reports whether an installation has part.
func (i Installations) has(part string) bool {
	return slices.ContainsFunc([]manifest.Scope{manifest.ScopeSystem, manifest.ScopeUser}, func(scope manifest.Scope) bool {
		_, err := os.Stat(filepath.Join(i.dir(scope), part))
		return !errors.Is(err, fs.ErrNotExist)
	})
}

func (i Installations) dir(scope manifest.Scope) string {
	if scope == manifest.ScopeUser {
		return i.User
	}
	return i.System
}

// identity identifies an installation by the inode and the creation time of its part, so
// that a new installation in the same place has another identity.
func (i Installations) identity(part string, scope manifest.Scope) string {
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
	name, ok := strings.CutPrefix(group, `remote "`)
	name, closed := strings.CutSuffix(name, `"`)
	return name, ok && closed
}
