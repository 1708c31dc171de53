package section_test

import (
	"strings"
	"testing"

	"bkt/gen/section"

	"github.com/google/go-cmp/cmp"
)

const (
	start = "# === A (managed by bkt) ===\n"
	end   = "# === END A ===\n"
)

func TestFind(t *testing.T) {
	tests := []struct {
		name, src string
		want      []section.Span
		err       string // its beginning
	}{
		{"none", "FROM a\n", nil, ""},
		{"one", "FROM a\n" + start + "x\n" + end, []section.Span{{Name: "A", Start: 1, End: 3}}, ""},
		{"markers with blanks", "\t" + strings.TrimSpace(start) + "  \n " + end, []section.Span{{Name: "A", Start: 0, End: 1}}, ""},
		{"a marker in a heredoc is text", "RUN <<E\n" + start + "E\n", nil, ""},
		{"a marker in an instruction is text", "RUN a \\\n" + start + "  b\n", nil, ""},
		{"a banner of the user's", "# === TOOLS ===\n# === END TOOLS ===\n", nil, ""},
		{"no end", start, nil, "f:1: section A has no end"},
		{"no start", end, nil, "f:1: this ends section A, which has no start"},
		{"twice", start + end + start + end, nil, "f:3: section A is in this file already, at line 1"},
		{"another end", start + "# === END B ===\n", nil, "f:2: this ends section B, but line 1 starts section A"},
		{"nested", start + "# === B (managed by bkt) ===\n# === END B ===\n", nil, "f:2: section B starts inside section A, which starts at line 1"},
		{"a mistyped marker", "# == A (managed by bkt) ==\n", nil, `f:1: "# == A (managed by bkt) ==" looks like a marker, but is not`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := section.Find("f", tt.src, []string{"A", "B"})
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.err)) {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(tt.want, got); err == nil && diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestJoin(t *testing.T) {
	tests := []struct{ name, src, body, want string }{
		{"replaced", "x\n" + start + "old\n" + end + "y", "new\n", "x\n" + start + "new\n" + end + "y"},
		{"without a newline", start + end, "new", start + "new\n" + end},
		{"empty", start + "old\n" + end, "", start + end},
		{"CRLF", strings.ReplaceAll(start+end, "\n", "\r\n"), "a \\\nb\n", strings.ReplaceAll(start+"a \\\nb\n"+end, "\n", "\r\n")},
		{"a heredoc keeps its line endings", strings.ReplaceAll(start+end, "\n", "\r\n"), "RUN <<E\nx\nE\n",
			strings.ReplaceAll(start, "\n", "\r\n") + "RUN <<E\r\nx\nE\n" + strings.ReplaceAll(end, "\n", "\r\n")},
		{"another escape character", "# escape=`\n" + start + end, "a \\\nb\n", "# escape=`\n" + start + "a `\nb\n" + end},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			spans, err := section.Find("f", tt.src, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, starts := section.Join(tt.src, spans, []string{tt.body})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if want := strings.Count(tt.src[:strings.Index(tt.src, "# === A")], "\n") + 2; starts[0] != want {
				t.Errorf("the body begins in line %d, not %d", starts[0], want)
			}
		})
	}
}

func TestCheckBody(t *testing.T) {
	tests := []struct {
		body string
		ok   bool
	}{
		{"", true},
		{"RUN a \\\n  b\n", true},
		{"RUN <<E\nx\nE\n", true},
		{end, false},
		{"RUN <<E\n" + end + "E\n", false}, // the old text of a section is not parsed
		{"RUN a \\\n", false},
		{"RUN <<E\nx\n", false},
	}
	for _, tt := range tests {
		if err := section.CheckBody("A", tt.body); (err == nil) != tt.ok {
			t.Errorf("%q: %v", tt.body, err)
		}
	}
}

func TestStale(t *testing.T) {
	old := start + "x\n" + end + "FROM a\n# === B (managed by bkt) ===\n# === END B ===\n"
	if diff := cmp.Diff([]string{"A"}, section.Stale(old, strings.Replace(old, "x\n", "y\nz\n", 1))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := section.Stale(old, old); got != nil {
		t.Errorf("got %v", got)
	}
}
