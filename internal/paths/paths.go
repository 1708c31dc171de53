// Package paths compares paths by their text, without looking at any file.
package paths

import (
	"path"
	"strings"
)

// Within reports whether p is the folder dir or lies below it. Both are absolute, or
// relative to the same folder.
func Within(p, dir string) bool {
	p, dir = path.Clean(p), path.Clean(dir)
	return p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}
