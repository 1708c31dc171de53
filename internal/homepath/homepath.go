// Package homepath writes texts with paths in the user's home so that they mean the same
// on another computer, whose home has another path.
//
// In a manifest, ${HOME} is the home. A text that has ${HOME} itself, such as the command
// of a shell, is written with a dollar sign more: ${$HOME}; and ${$HOME} as ${$$HOME}, and
// so on. No shell accepts such a text, and no bkt before this form wrote one.
package homepath

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

const variable = "${HOME}"

// Encode returns a text in the form of manifests: ${HOME} replaces home at the start of
// paths. For every text and home, [Decode] returns the text again.
func Encode(text, home string) string {
	home = clean(home)
	if home == "" {
		return escape(text)
	}
	var b, plain strings.Builder
	for {
		i := strings.Index(text, home)
		if i < 0 {
			break
		}
		end := i + len(home)
		before := text[:i]
		if before == "" {
			before = lastOf(plain.String(), b.Len() > 0)
		}
		plain.WriteString(text[:i])
		if begins(before) && ends(text[end:]) {
			b.WriteString(escape(plain.String()) + variable)
			plain.Reset()
		} else {
			plain.WriteString(home)
		}
		text = text[end:]
	}
	return b.String() + escape(plain.String()+text)
}

// lastOf returns the text before the next character: the end of the plain text, or a home
// that has just been replaced.
func lastOf(plain string, replaced bool) string {
	if plain == "" && replaced {
		return variable
	}
	return plain
}

// Decode returns the text that a text in a manifest means for a home.
func Decode(text, home string) string {
	if c := clean(home); c != "" {
		home = c
	}
	return rewrite(text, func(dollars string) string {
		if dollars == "" {
			return home
		}
		return "${" + dollars[1:] + "HOME}"
	})
}

func escape(text string) string {
	return rewrite(text, func(dollars string) string { return "${$" + dollars + "HOME}" })
}

// rewrite replaces ${HOME}, ${$HOME}, ${$$HOME} and so on; by gets the inner dollar signs.
func rewrite(text string, by func(dollars string) string) string {
	var b strings.Builder
	for {
		i := strings.Index(text, "${")
		if i < 0 {
			return b.String() + text
		}
		b.WriteString(text[:i])
		text = text[i:]
		rest := strings.TrimLeft(text[2:], "$")
		dollars := text[2 : len(text)-len(rest)]
		if after, ok := strings.CutPrefix(rest, "HOME}"); ok {
			b.WriteString(by(dollars))
			text = after
			continue
		}
		b.WriteString("$") // the rest may begin with another one
		text = text[1:]
	}
}

// clean returns a home without needless slashes, "" if it is no folder below the root.
func clean(home string) string {
	if !path.IsAbs(home) || path.Clean(home) == "/" {
		return ""
	}
	return path.Clean(home)
}

// begins reports whether a path may begin after this text: as the path of a URL, or
// after a character that is not part of paths.
func begins(before string) bool {
	return strings.HasSuffix(before, "://") || !strings.HasSuffix(before, "/") && !inName(before, utf8.DecodeLastRuneInString)
}

// ends reports whether the name of a file may end before this text.
func ends(after string) bool { return !inName(after, utf8.DecodeRuneInString) }

// inName reports whether the character at an end of s may be part of the name of a file.
func inName(s string, at func(string) (rune, int)) bool {
	r, _ := at(s)
	return s != "" && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-+~%@}", r))
}
