package lint

import (
	"path"
	"strings"
)

// within reports whether p is folder, or lies below it.
func within(p, folder string) bool {
	return p == folder || strings.HasPrefix(p, strings.TrimSuffix(folder, "/")+"/")
}

// atHome writes $HOME for the ~ at the start of a path.
func atHome(p string) string {
	if p == "~" || strings.HasPrefix(p, "~/") {
		return "$HOME" + p[1:]
	}
	return p
}

// absolute returns where a path leads from the working folder.
func (l *linter) absolute(p string) string {
	if p == "" || p[0] == '/' || p[0] == '$' || l.dir == "" {
		return path.Clean(p)
	}
	return path.Join(l.dir, p)
}

// isDevice reports whether nothing is kept of what is written to a path.
func isDevice(p string) bool {
	return within(p, "/dev") && !within(p, "/dev/shm") || within(p, "/proc") || within(p, "/sys")
}

// mktempPrefix begins the names that stand for what mktemp makes.
const mktempPrefix = "/tmp/mktemp:"

// isTemporary reports whether a path lies where files are not meant to stay.
func isTemporary(p string) bool {
	for _, folder := range []string{"/tmp", "/var/tmp", "/run", "/dev/shm", "$TMPDIR", "$XDG_RUNTIME_DIR"} {
		if within(p, folder) {
			return true
		}
	}
	return false
}

// isFresh reports whether the hook itself has made p anew, or has removed it,
// before it comes here.
func (l *linter) isFresh(p string) bool {
	if strings.HasPrefix(p, mktempPrefix) {
		return true
	}
	for _, f := range l.fresh {
		if within(p, f) {
			return true
		}
	}
	return false
}

// areFresh reports whether all the paths are fresh.
func (l *linter) areFresh(paths []string) bool {
	for _, p := range paths {
		if !l.isFresh(p) {
			return false
		}
	}
	return true
}

// all returns where paths lead from the working folder.
func (l *linter) all(paths []string) []string {
	var absolute []string
	for _, p := range paths {
		absolute = append(absolute, l.absolute(p))
	}
	return absolute
}
