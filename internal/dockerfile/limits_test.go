package dockerfile_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"bkt/internal/dockerfile"
)

const from = "FROM scratch\n"

// TestCharacters checks characters that no Containerfile can have.
func TestCharacters(t *testing.T) {
	for text, want := range map[string]string{
		"\ufeff" + from + "RUN ü # \u202e\n": "",
		from + "RUN ü\x00":                   "2:6: a NUL is not allowed",
		from + "# \xff":                      "2:3: this is not UTF-8",
		from + "\n\ufeffRUN a":               "3:1: a byte order mark is not allowed here",
		"\ufeff\ufeff" + from:                "1:1: a byte order mark is not allowed here",
	} {
		got := ""
		_, err := dockerfile.Parse([]byte(text))
		if e, ok := errors.AsType[*dockerfile.Error](err); ok {
			got = fmt.Sprintf("%d:%d: %v", e.Line(), e.Column, e)
		}
		if got != want {
			t.Errorf("%q: %s, not %s", text, got, want)
		}
	}
}

// TestLimits checks files on both sides of each limit.
func TestLimits(t *testing.T) {
	docs := func(n int) string {
		var names, ends strings.Builder
		for i := range n {
			fmt.Fprintf(&names, " <<A%d", i)
			fmt.Fprintf(&ends, "A%d\n", i)
		}
		return from + "RUN" + names.String() + "\n" + ends.String()
	}
	double := func(keyword, name string, n int) string {
		return keyword + " a=xx\n" + strings.Repeat(keyword+" "+name+"=$a${a}\n", n)
	}
	tests := []struct {
		name, within, beyond string
		line                 int
		limit                string
	}{
		{"size", from + strings.Repeat("#\n", 1<<16), from + strings.Repeat("#"+strings.Repeat(" ", 1022)+"\n", 1<<11), 1, "larger than 1 MiB"},
		{"lines", from + strings.Repeat("\n", 199_999), from + strings.Repeat("\n", 200_001), 200_001, "more than 200000 lines"},
		{"instructions", from + strings.Repeat("USER a\n", 1999), from + strings.Repeat("USER a\n", 2000), 2001, "more than 2000 instructions"},
		{"lines of an instruction", from + "RUN " + strings.Repeat("a && \\\n # b\n\n", 10_000) + "a\n", from + strings.Repeat("RUN a \\\n # b\n\n b\n", 2000), 7998, "more than 2000 instructions"},
		{"heredocs", docs(1000), docs(1001), 2, "more than 1000 heredocs"},
		{"a variable that doubles", from + double("ENV", "a", 10), from + double("ENV", "a", 40), 17, "expand to more than 256 KiB"},
		{"an argument that doubles", double("ARG", "a", 10) + from, double("ARG", "a", 40) + from, 16, "expand to more than 256 KiB"},
		{"a name in quotes", from + double("ENV", `"a"`, 10), from + double("ENV", `"a"`, 40), 17, "expand to more than 256 KiB"},
		{"a name in a variable", from + double("ENV", "$b", 5), from + double("ENV", "$b", 40), 12, "expand to more than 256 KiB"},
		{"a variable often", from + "ENV a=" + strings.Repeat("x", 1000) + "\nLABEL b=" + strings.Repeat("$a", 200) + "\n", from + "ENV a=" + strings.Repeat("x", 1000) + "\nLABEL b=" + strings.Repeat("$a", 300) + "\n", 3, "expand to more than 256 KiB"},
		{"a replacement", from + "ENV a=xyz\nENV b=${a//x/yyy}\n", from + "ENV a=" + strings.Repeat("x", 1000) + "\nENV b=${a//x/" + strings.Repeat("y", 1000) + "}\n", 3, "expand to more than 256 KiB"},
		{"a path that grows", from + strings.Repeat("ENV PATH=$PATH:/usr/local/bin\n", 100), from + strings.Repeat("ENV PATH=$PATH:/"+strings.Repeat("x", 4000)+"\n", 100), 67, "expand to more than 256 KiB"},
		{"a shell's variables", from + "ENV a=" + strings.Repeat("x", 1000) + "\nRUN " + strings.Repeat("$a", 1000) + "\n", from + "ENV a=" + strings.Repeat("x", 1000) + "\nENV " + strings.Repeat("$a", 1000) + "=1\n", 3, "expand to more than 256 KiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := dockerfile.Check([]byte(tt.within)); err != nil {
				t.Errorf("within the limit: %v", err)
			}
			err := dockerfile.Check([]byte(tt.beyond))
			e, ok := errors.AsType[*dockerfile.Error](err)
			if !ok || e.Line() != tt.line || !strings.Contains(e.Error(), tt.limit) || !strings.HasSuffix(e.Error(), ", the limit") {
				t.Errorf("beyond the limit: %v", err)
				if ok {
					t.Errorf("in line %d", e.Line())
				}
			}
		})
	}
}

// FuzzCheck checks that what the limits accept, the parser of BuildKit reads.
func FuzzCheck(f *testing.F) {
	for _, text := range []string{"", from, from + "RUN <<A\nx\nA\n", "ARG a=$a\n" + from, from + "ENV \"a b\"=${a:-$b} c\n", from + "ENV $a=${a/b/c}\n", from + "RUN \x00", "\xff", from + "ENV ${"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, err := dockerfile.Parse([]byte(text))
		if e, ok := errors.AsType[*dockerfile.Error](err); ok && e.Column > 0 && e.Line() == 0 {
			t.Errorf("%q: %v", text, err)
		}
	})
}
