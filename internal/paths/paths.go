// Package paths compares paths by their text, without looking at any file.
package paths

import (
	"path"
	"strings"
)

// Within reports whether p is the folder dir or below it. Both are absolute, or
// relative to the same folder.
func Within(p, dir string) bool {
	p, dir = path.Clean(p), path.Clean(dir)
	return p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}

// Shorten returns a path below home with ~ in place of home. Other paths stay
// unchanged, and all of them do if home is the root.
func Shorten(p, home string) string {
	if home != "/" && p != home && Within(p, home) {
		return "~" + strings.TrimPrefix(p, path.Clean(home))
	}
	return p
}

// Expand returns a path with home in place of ~.
func Expand(p, home string) string {
	if p == "~" || strings.HasPrefix(p, "~/") {
		return home + p[1:]
	}
	return p
}
