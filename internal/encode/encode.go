// Package encode writes text into other languages, so that it is read there as
// the same text: words of shell commands, values of .repo files and of TOML, and
// words of Containerfiles. What a language cannot express is an error.
package encode

import (
	"fmt"
	"strings"
	"unicode"

	"bkt/internal/shell"
)

// Shell returns text as one word of a shell command (POSIX).
func Shell(text string) (string, error) {
	word, err := shell.Quote(text)
	if err != nil {
		return "", fmt.Errorf("%q cannot be a word of a shell command: %w", text, err)
	}
	return word, nil
}

// ShellHome returns a list of paths, separated by colons, as one word of a shell
// command in which ~ is the home of the user who runs it, and $PATH its previous value.
func ShellHome(paths string) (string, error) {
	var words []string
	for part := range strings.SplitSeq(paths, ":") {
		word, err := homeWord(part)
		if err != nil {
			return "", err
		}
		words = append(words, word)
	}
	return strings.Join(words, ":"), nil
}

func homeWord(path string) (string, error) {
	rest, below := strings.CutPrefix(path, "~/")
	switch {
	case path == "$PATH":
		return `"$PATH"`, nil
	case path == "~":
		return `"$HOME"`, nil
	case below:
		word, err := Shell(rest)
		return `"$HOME"/` + word, err
	case path == "":
		return "", nil
	}
	return Shell(path)
}

// ShellNested returns a path as a word of a shell command that is itself a word
// of one: for a script that writes a script. ~ is a home as in [ShellHome].
func ShellNested(path string) (string, error) {
	inner, err := homeWord(path)
	if err != nil {
		return "", err
	}
	return Shell(inner)
}

// ShellGlob returns a path in which * matches any name as a word of a shell command.
func ShellGlob(path string) (string, error) {
	var words []string
	for part := range strings.SplitSeq(path, "*") {
		word, err := Shell(part)
		if err != nil {
			return "", err
		}
		if part == "" {
			word = ""
		}
		words = append(words, word)
	}
	return strings.Join(words, "*"), nil
}

// INI returns text as a value of a .repo file, which only a newline would end.
func INI(text string) (string, error) {
	if err := oneLine(text); err != nil || strings.TrimSpace(text) != text {
		return "", fmt.Errorf("%q cannot be a value of a .repo file", text)
	}
	return text, nil
}

// TOML returns text as a basic string (https://toml.io/en/v1.0.0#string).
func TOML(text string) (string, error) {
	if err := oneLine(text); err != nil {
		return "", err
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`, nil
}

// Word returns text, a name that needs no encoding, as a word of a Containerfile.
func Word(text string) (string, error) {
	if text == "" || strings.ContainsAny(text, " \t\"'\\$<>") || oneLine(text) != nil {
		return "", fmt.Errorf("%q cannot be a word of a Containerfile", text)
	}
	return text, nil
}

// A Containerfile encodes values of ENV and LABEL in a file whose escape
// character it is: a backslash or a backquote.
type Containerfile string

// Value returns text as a value of ENV or LABEL.
func (c Containerfile) Value(text string) (string, error) {
	if err := oneLine(text); err != nil {
		return "", err
	}
	return `"` + c.inQuotes(text) + `"`, nil
}

// Path returns folders as the value of PATH in ENV; $PATH is its previous value.
func (c Containerfile) Path(folders []string) (string, error) {
	var parts []string
	for _, f := range folders {
		if err := oneLine(f); err != nil {
			return "", err
		}
		if f != "$PATH" {
			f = c.inQuotes(f)
		}
		parts = append(parts, f)
	}
	return `"` + strings.Join(parts, ":") + `"`, nil
}

// inQuotes encodes text between double quotes. A backslash is an ordinary
// character where another one escapes.
func (c Containerfile) inQuotes(text string) string {
	e := string(c)
	return strings.NewReplacer(e, e+e, `"`, e+`"`, `$`, e+`$`).Replace(text)
}

func oneLine(text string) error {
	if strings.ContainsFunc(text, unicode.IsControl) {
		return fmt.Errorf("%q has a control character", text)
	}
	return nil
}
