package printable_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"bkt/internal/printable"
)

func TestFind(t *testing.T) {
	tests := []struct {
		text   string
		offset int // -1: none
		r      rune
	}{
		{"", -1, 0},
		{"plain\ttext\nof two lines", -1, 0},
		{"ünïcode, 日本, Ελληνικά, עברית, العربية", -1, 0},
		{"👍🏽 ❤️", -1, 0}, // a skin tone, and a selector of the form
		{"👩\u200d💻 👨\u200d👩\u200d👧 🏳️\u200d🌈 ❤️\u200d🔥", -1, 0}, // joined by U+200D
		{"می\u200cخواهم", -1, 0}, // U+200C in Persian
		{"क्\u200dष", -1, 0},     // U+200D in Hindi
		{"non-breaking\u00a0space", -1, 0},
		{"a\x00", 1, 0},
		{"a\x1b[31m", 1, 0x1b},
		{"a\r\nb", 1, '\r'},
		{"a\x7f", 1, 0x7f},
		{"a\u0085", 1, 0x85},
		{"a\xffb", 1, utf8.RuneError},
		{"a\ufffd", -1, 0}, // the character itself
		{"é\u202e", 2, 0x202e},
		{"a\u200bb", 1, 0x200b},
		{"a\u200db", 1, 0x200d},
		{"é\u200dé", 2, 0x200d}, // nothing to join
		{"日\u200d", 3, 0x200d},
		{"\u200d日", 0, 0x200d},
		{"a\u00adb", 1, 0xad},
		{"a\u3164b", 1, 0x3164},
		{"\ufeffa", 0, 0xfeff},
		{"a\U000e0041", 1, 0xe0041},
	}
	for _, r := range "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u2066\u2067\u2068\u2069\u2060\u2028\u2029" {
		tests = append(tests, struct {
			text   string
			offset int
			r      rune
		}{"x" + string(r) + "y", 1, r})
	}
	for _, tt := range tests {
		offset, r, found := printable.Find(tt.text)
		if found != (tt.offset >= 0) || found && (offset != tt.offset || r != tt.r) {
			t.Errorf("%q: %d, %U, %v", tt.text, offset, r, found)
		}
		if err := printable.Check(tt.text); (err == nil) != (tt.offset < 0) {
			t.Errorf("%q: %v", tt.text, err)
		}
	}
}

func TestHidden(t *testing.T) {
	for text, want := range map[string]string{
		"a\u202e": "may not contain U+202E, which cannot be seen", "\x00": "may not contain a NUL", "\x1b": `may not contain '\x1b'`, "\xff": "is not UTF-8",
	} {
		if err := printable.Check(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "a\tb\n": "a\tb\n", "日本 👩\u200d💻": "日本 👩\u200d💻", "a\u202eb\u200b": `a\u202eb\u200b`, "\x1b[2J\r\x00": `\u001b[2J\u000d\u0000`,
		"\xff\xfe": `\xff\xfe`, "\U000e0041x": `\udb40\udc41x`, "a\ufffd": "a\ufffd",
	} {
		if got := printable.Escape(text); got != want {
			t.Errorf("%q: %s, not %s", text, got, want)
		}
	}
}

// FuzzEscape checks that an escaped text has no hidden characters, and that the
// escapes are those of JSON.
func FuzzEscape(f *testing.F) {
	for _, text := range []string{"", "a\x00b", "\u202e", "👩\u200d💻", "\xf0\x9f", "\U000e0041\u200d", "é\u200d\u202eé", "\\u202e"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		escaped := printable.Escape(text)
		if at, r, found := printable.Find(escaped); found {
			t.Errorf("%q: %q has %U at %d", text, escaped, r, at)
		}
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\\\"\n\t") {
			return
		}
		var back string
		if err := json.Unmarshal([]byte(`"`+escaped+`"`), &back); err != nil || back != text {
			t.Errorf("%q: %s is read as %q: %v", text, escaped, back, err)
		}
	})
}
