package lint

import (
	"path"
	"slices"
	"strings"
)

// within reports whether p is folder or below it.
func within(p, folder string) bool {
	return p == folder || strings.HasPrefix(p, strings.TrimSuffix(folder, "/")+"/")
}

// withinAny reports whether p is in one of the folders.
func withinAny(p string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return within(p, f) })
}

// atHome replaces ~ at the start of a path with $HOME.
func atHome(p string) string {
	if p == "~" || strings.HasPrefix(p, "~/") {
		return "$HOME" + p[1:]
	}
	return p
}

// absolute returns a path relative to the working folder, as far as that is known.
func (l *linter) absolute(p string) string {
	if p == "" || p[0] == '/' || p[0] == '$' || l.dir == "" {
		return path.Clean(p)
	}
	return path.Join(l.dir, p)
}

// isDevice reports whether writing to a path stores nothing.
func isDevice(p string) bool {
	return within(p, "/dev") && !within(p, "/dev/shm") || within(p, "/proc") || within(p, "/sys")
}

// mktempPrefix begins the names that represent files of mktemp.
const mktempPrefix = "/tmp/mktemp:"

// isTemporary reports whether a path is in a place where files do not stay.
func isTemporary(p string) bool {
	return withinAny(p, "/tmp", "/var/tmp", "/run", "/dev/shm", "$TMPDIR", "$XDG_RUNTIME_DIR")
}

// isFresh reports whether hooks have created or removed p before this point, whenever its
// command runs.
func (l *linter) isFresh(p string, sc scope) bool {
	if strings.HasPrefix(p, mktempPrefix) {
		return true
	}
	return slices.ContainsFunc(l.fresh, func(f place) bool { return within(p, f.path) && f.holds(sc) })
}

// areFresh reports whether all the paths are fresh.
func (l *linter) areFresh(paths []string, sc scope) bool {
	return !slices.ContainsFunc(paths, func(p string) bool { return !l.isFresh(p, sc) })
}

// all returns the absolute paths.
func (l *linter) all(paths []string) []string {
	var absolute []string
	for _, p := range paths {
		absolute = append(absolute, l.absolute(p))
	}
	return absolute
}
