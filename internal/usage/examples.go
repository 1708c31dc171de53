// Package usage tells how bkt is used: its help with examples, and what is wrong in a
// command line.
package usage

import (
	_ "embed"
	"strings"
)

//go:embed examples.txt
var examples string

// Examples returns the lines of the examples of a command: shell commands, and comments
// that begin with "#". path is the command without the name of the program, such as
// "toolbox add", and empty for the program itself. A command without examples has none.
func Examples(path string) []string {
	_, text, found := strings.Cut("\n"+examples, "\n["+path+"]\n")
	if !found {
		return nil
	}
	text, _, _ = strings.Cut(text, "\n\n")
	return strings.Split(strings.TrimSpace(text), "\n")
}
