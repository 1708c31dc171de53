package gsettings

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/keyfile"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"
)

// A schema can have a default of its own for each desktop, and GSettings uses that of
// XDG_CURRENT_DESKTOP. A command over ssh and the units of bkt lack this variable, so that
// bkt reads where display managers take it from: the sessions that a user can choose.

// sessions returns the names of the desktops of each session, in a fixed order. The error is
// about files that cannot be read.
func (d Domain) sessions() ([][]string, error) {
	var all [][]string
	var errs []error
	for _, dir := range d.SharedDirs {
		for _, kind := range []string{"wayland-sessions", "xsessions"} {
			entries, err := os.ReadDir(filepath.Join(dir, kind))
			errs = append(errs, patherr.UnlessMissing(err))
			for _, e := range entries {
				if filepath.Ext(e.Name()) != ".desktop" {
					continue
				}
				desktops, ok, err := session(filepath.Join(dir, kind, e.Name()))
				errs = append(errs, patherr.UnlessMissing(err))
				if ok {
					all = append(all, desktops)
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b []string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), slices.Compare(a, b))
	})
	return slices.CompactFunc(all, slices.Equal), errors.Join(errs...)
}

// session returns the names of the desktops in the file of a session. ok reports whether a
// user can choose it.
func session(path string) (desktops []string, ok bool, err error) {
	text, err := plainfile.Read(path, plainfile.MaxText)
	if err != nil {
		return nil, false, err
	}
	file, err := keyfile.Parse(text)
	if err != nil {
		return nil, false, &os.PathError{Op: "read", Path: path, Err: err}
	}
	const group = "Desktop Entry"
	names := keyfile.SplitList(file.Raw(group, "DesktopNames"))
	names = slices.DeleteFunc(names, func(name string) bool { return strings.TrimSpace(name) == "" })
	return names, file.Raw(group, "Hidden") != "true", nil
}
