package printable_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/printable"
)

func TestWriter(t *testing.T) {
	tests := []struct{ text, want, display string }{
		{"plain\ttext\n", "plain\ttext\n", ""},
		{"\x1b[31mred\x1b[0m \x1b[1;4;38;5;9mx\x1b[m", "\x1b[31mred\x1b[0m \x1b[1;4;38;5;9mx\x1b[m", ""},
		{"a\r\nb", "a\r\nb", ""},
		{"50%\r100%\n", `50%\u000d100%` + "\n", "50%\r100%\n"},
		{"\x1b[2K\x1b[1A\x1b[?25l", `\u001b[2K\u001b[1A\u001b[?25l`, "\x1b[2K\x1b[1A\x1b[?25l"},
		{"\x1b]0;title\x07\x1bc", `\u001b]0;title\u0007\u001bc`, `\u001b]0;title\u0007\u001bc`},
		{"\x1b[" + strings.Repeat("1", 40) + "m", `\u001b[` + strings.Repeat("1", 40) + "m", `\u001b[` + strings.Repeat("1", 40) + "m"},
		{"a\u202eb\u200b", `a\u202eb\u200b`, `a\u202eb\u200b`},
		{"日本 \U000e0041\xff\xc3(", `日本 \udb40\udc41\xff\xc3(`, `日本 \udb40\udc41\xff\xc3(`},
		{`{"a":"` + "\u2067" + `"}`, `{"a":"\u2067"}`, ""},
		{"end\x1b[3", `end\u001b[3`, `end\u001b[3`},
		{"end\xe6\x97", `end\xe6\x97`, `end\xe6\x97`},
	}
	for _, tt := range tests {
		if tt.display == "" {
			tt.display = tt.want
		}
		for _, size := range []int{1, 2, 3, 1000} {
			var out strings.Builder
			w := printable.NewWriter(&out)
			in(t, w, tt.text, size)
			if out.String() != tt.want {
				t.Errorf("%q in parts of %d: %q, not %q", tt.text, size, out.String(), tt.want)
			}
			out.Reset()
			in(t, w.Display(), tt.text, size)
			if out.String() != tt.display {
				t.Errorf("%q on a display in parts of %d: %q, not %q", tt.text, size, out.String(), tt.display)
			}
		}
	}
}

// in writes a text in parts.
func in(t *testing.T, w *printable.Writer, text string, size int) {
	t.Helper()
	for text != "" {
		part := text[:min(size, len(text))]
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
		text = text[len(part):]
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}

// TestWriterIsItsFile checks what terminals are asked.
func TestWriterIsItsFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if w := printable.NewWriter(f); w.Fd() != f.Fd() || w.Name() != f.Name() || w.Display().Fd() != f.Fd() || w.Close() != nil {
		t.Error(w.Fd(), w.Name())
	}
	if w := printable.NewWriter(&strings.Builder{}); w.Fd() != ^uintptr(0) || w.Name() != "" {
		t.Error(w.Fd(), w.Name())
	}
}
