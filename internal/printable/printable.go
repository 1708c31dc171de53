// Package printable finds the characters that make a text look like another one, such as
// those that reverse its direction or have no width, and escapes them for a terminal.
//
// Attacks of this kind are described in https://www.unicode.org/reports/tr36 and as
// CVE-2021-42574.
package printable

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Find returns the first hidden character of text and its offset in bytes. A character
// is hidden if it has no shape of its own: a control character other than a tab or a
// line break, a control of the direction of text, or one without width. A joiner between
// letters or symbols that need it, as in Persian, Hindi and emoji, is not hidden. A byte
// that is not UTF-8 is hidden, too: it is [utf8.RuneError].
func Find(text string) (offset int, r rune, found bool) {
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			if c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
				return i, rune(c), true
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 || isHidden(r) && !joins(r, text[:i], text[i+size:]) {
			return i, r, true
		}
		i += size
	}
	return 0, 0, false
}

// isHidden reports whether a character outside ASCII has no shape of its own.
func isHidden(r rune) bool {
	switch {
	case r < 0xa0: // C1 controls
		return true
	case r < 0x61c:
		return r == 0xad // a soft hyphen
	case r == 0x61c, r == 0x115f, r == 0x1160, r == 0x180e, r == 0x3164, r == 0xfeff, r == 0xffa0:
		return true // a mark of direction, fillers, separators, a byte order mark
	case r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r >= 0xfff9 && r <= 0xfffb:
		return true
	}
	return r >= 0xe0000 && r <= 0xe007f // tags
}

const (
	nonJoiner = 0x200c
	joiner    = 0x200d
)

// joins reports whether r is a joiner that changes the shape of the characters around it.
func joins(r rune, before, after string) bool {
	if r != nonJoiner && r != joiner {
		return false
	}
	left, _ := utf8.DecodeLastRuneInString(before)
	right, _ := utf8.DecodeRuneInString(after)
	return isJoinable(left) && isJoinable(right)
}

// isJoinable reports whether a joiner can change the shape of a character: a symbol or
// a letter of a script that joins letters.
func isJoinable(r rune) bool {
	if r < 0x300 || r == utf8.RuneError || unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic) {
		return false
	}
	return unicode.In(r, unicode.L, unicode.M, unicode.So, unicode.Sk)
}

// Check returns an error for the first hidden character of text.
func Check(text string) error {
	if _, r, found := Find(text); found {
		return Hidden(r)
	}
	return nil
}

// Hidden is the error of a hidden character.
type Hidden rune

// Error names the character.
func (h Hidden) Error() string {
	switch r := rune(h); {
	case r == utf8.RuneError:
		return "is not UTF-8"
	case r == 0:
		return "may not contain a NUL"
	case r < 0x20, r >= 0x7f && r < 0xa0:
		return fmt.Sprintf("may not contain %q", r)
	default:
		return fmt.Sprintf("may not contain %U, which cannot be seen", r)
	}
}

// Escape returns text with hidden characters escaped as in JSON (\u202e), and bytes that
// are not UTF-8 as in Go (\xff).
func Escape(text string) string {
	escaped, _ := escapeAll(text, func(string) (int, bool) { return 0, false })
	return escaped
}

// escapeAll escapes the hidden characters of text. handle gets the text from each of them:
// the first bytes of it pass as they are, or if it is unfinished, all of it is the rest.
func escapeAll(text string, handle func(string) (pass int, unfinished bool)) (escaped, rest string) {
	at, r, found := Find(text)
	if !found {
		return text, ""
	}
	var out strings.Builder
	for ; found; at, r, found = Find(text) {
		out.WriteString(text[:at])
		text = text[at:]
		size, unfinished := handle(text)
		switch {
		case unfinished:
			return out.String(), text
		case size > 0:
			out.WriteString(text[:size])
		default:
			_, size = utf8.DecodeRuneInString(text)
			out.WriteString(escape(r, text[:size]))
		}
		text = text[size:]
	}
	out.WriteString(text)
	return out.String(), ""
}

// escape returns one character escaped.
func escape(r rune, written string) string {
	if r == utf8.RuneError && len(written) == 1 {
		return fmt.Sprintf(`\x%02x`, written[0])
	}
	if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
		return fmt.Sprintf(`\u%04x\u%04x`, high, low)
	}
	return fmt.Sprintf(`\u%04x`, r)
}
