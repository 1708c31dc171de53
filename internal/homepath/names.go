package homepath

import (
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Names are the paths of one home. Where /home is a link to /var/home, as on Fedora Atomic,
// programs write both.
type Names struct {
	home  string          // "": without other names
	real  string          // without links
	above map[string]bool // the folders above real, and real
}

// maxLinks is the maximum number of links in one path, as on Linux.
const maxLinks = 40

// Of returns the names of a home.
func Of(home string) Names {
	real, err := filepath.EvalSymlinks(home)
	if clean(home) == "" || err != nil {
		return Names{}
	}
	n := Names{home: clean(home), real: real, above: map[string]bool{}}
	for dir := real; dir != "/"; dir = path.Dir(dir) {
		n.above[dir] = true
	}
	return n
}

// Usual returns a text with the path of the home in place of its other names at the start of
// paths. It follows only links in the folders above the home, so that a path on a server that
// does not answer delays nothing.
func (n Names) Usual(text string) string {
	if n.home == "" {
		return text
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(text, '/')
		if i < 0 {
			return b.String() + text
		}
		b.WriteString(text[:i])
		text = text[i:]
		length := 1
		switch {
		case !begins(b.String()):
		case strings.HasPrefix(text, n.home) && ends(text[len(n.home):]):
			length = len(n.home)
		default:
			if other := n.other(text); other > 0 {
				b.WriteString(n.home)
				text = text[other:]
				continue
			}
		}
		b.WriteString(text[:length])
		text = text[length:]
	}
}

// other returns the length of another name of the home at the start of a text, 0 if the text
// does not start with one.
func (n Names) other(text string) int {
	dir := "/"
	for at := 1; at < len(text); {
		end, next := n.step(dir, text, at)
		switch {
		case next == "":
			return 0
		case next == n.real && ends(text[end:]):
			return end
		}
		dir, at = next, end+1
	}
	return 0
}

// step returns where the name of a file at a place in a text ends, and where the path that
// ends with it leads; "": nowhere above the home. A name ends before a slash, or else before
// a character that is rare in names, such as the colon between two paths.
func (n Names) step(dir, text string, at int) (end int, next string) {
	long, _, _ := strings.Cut(text[at:], "/")
	if long == "" {
		return at, ""
	}
	if next = n.follow(dir, long); next != "" {
		return at + len(long), next
	}
	for end := range long {
		if end > 0 && ends(long[end:]) {
			return at + end, n.follow(dir, long[:end])
		}
	}
	return at, ""
}

// follow returns where a relative path leads from a folder above the home, by folders above
// the home and links in them. It is "" if it leads elsewhere.
func (n Names) follow(dir, relative string) string {
	rest := strings.Split(relative, "/")
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		next := path.Join(dir, name)
		if next == "/" || n.above[next] {
			dir = next
			continue
		}
		target, err := os.Readlink(next)
		if links++; err != nil || links > maxLinks {
			return ""
		}
		if path.IsAbs(target) {
			dir = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return dir
}
