package confine

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"bkt/internal/shell"
)

// An OutsideError is the error of a symbolic link that leads out of its folder.
type OutsideError struct {
	Link   string // its path in the folder; absolute if it is elsewhere
	Target string // as the link has it
	Folder string

	name   string // the path that was opened, which the message begins with
	needed string // the folder to permit
}

// Error returns where the link leads, for a message that begins with the path that was opened.
func (e *OutsideError) Error() string {
	if e.Link == e.name {
		return fmt.Sprintf("a symbolic link to %s, outside of %s", visible(e.Target), visible(e.Folder))
	}
	return fmt.Sprintf("the symbolic link %s leads to %s, outside of %s", visible(e.Link), visible(e.Target), visible(e.Folder))
}

// Hints returns the options that permit the link.
func (e *OutsideError) Hints() []string {
	dir := shell.Show(e.needed)
	return []string{fmt.Sprintf("if you want that, add --allow-links %s, or allow it for good with \"git config --global --add bkt.allowLinks %s\"", dir, dir)}
}

// A BrokenError is the error of a symbolic link to a missing file.
type BrokenError struct{ target string }

// Error returns the target.
func (e *BrokenError) Error() string {
	return fmt.Sprintf("a symbolic link to %s, which does not exist", visible(e.target))
}

// visible returns a path for a message, with escapes in place of what cannot be printed.
func visible(path string) string {
	if strings.IndexFunc(path, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) < 0 {
		return path
	}
	quoted := strconv.Quote(path)
	return quoted[1 : len(quoted)-1]
}
