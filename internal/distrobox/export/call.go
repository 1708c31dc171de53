package export

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// A call is a call of distrobox-enter in a wrapper or a desktop entry.
type call struct {
	container string
	root      bool     // the container belongs to root
	before    []string // the words before it, such as "env" and variables
	flags     []string // of distrobox-enter, without the name and --root
	command   []string // to run in the container
}

// parseCall finds the call of distrobox-enter in the words of a command line, and
// reports whether there is one.
func parseCall(words []string) (c call, ok bool) {
	i := slices.IndexFunc(words, func(w string) bool { return path.Base(w) == "distrobox-enter" })
	rest := i + 1
	if i < 0 {
		i = slices.IndexFunc(words, func(w string) bool { return path.Base(w) == "distrobox" })
		rest = i + 2
		if i < 0 || rest > len(words) || words[i+1] != "enter" {
			return call{}, false
		}
	}
	c.before = words[:i]
	for n := rest; n < len(words); n++ {
		next := words[n+1:]
		switch word := words[n]; {
		case word == "--", word == "-e", word == "--exec":
			c.command = next
			return c, c.container != ""
		case word == "-r", word == "--root":
			c.root = true
		case (word == "-n" || word == "--name") && len(next) > 0:
			c.container = next[0]
			n++
		case (word == "-a" || word == "--additional-flags") && len(next) > 0:
			c.flags = append(c.flags, word, next[0])
			n++
		case strings.HasPrefix(word, "-"), c.container != "":
			c.flags = append(c.flags, word)
		default: // for distrobox-enter, a single word is the name
			c.container = word
		}
	}
	return c, c.container != ""
}

// asRoot are the words by which a wrapper of distrobox-export runs a command as root.
var asRoot = []string{"sudo", "-S", "su-exec", "root"}

// sudo returns the command without the words that run it as root, and whether it had
// any.
func (c call) sudo() (command []string, ok bool) {
	i := slices.IndexFunc(c.command, func(w string) bool { return !slices.Contains(asRoot, w) })
	if i < 0 {
		i = len(c.command)
	}
	return c.command[i:], i > 0
}

// beyond describes the first part of a call that distrobox-export adds only on request,
// and that a manifest cannot express, "" if the call has none. flags are those of the
// program, for a text with %s.
func (c call) beyond(text string, flags []string) string {
	_, sudo := c.sudo()
	switch {
	case len(c.before) > 0 && !slices.ContainsFunc(c.before, isAskpass):
		return ChangedByHand
	case sudo:
		return "was exported with --sudo"
	case len(c.flags) > 0:
		return `was exported with --enter-flags "` + strings.Join(c.flags, " ") + `"`
	case len(flags) > 0:
		return fmt.Sprintf(text, `"`+strings.Join(flags, " ")+`"`)
	}
	return ""
}

// isAskpass reports whether distrobox-export writes a word before the call of a
// container of root.
func isAskpass(word string) bool { return strings.HasPrefix(word, "SUDO_ASKPASS=") }

const ChangedByHand = "was changed by hand"

// splitWords splits a command line into words, by the quotes and backslashes that
// shells and desktop entries have in common.
func splitWords(line string) []string {
	var words []string
	var word strings.Builder
	inWord, escaped := false, false
	quote := rune(0)
	for _, r := range line {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, inWord = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case r == ' ' || r == '\t':
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words
}
