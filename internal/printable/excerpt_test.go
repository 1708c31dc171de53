package printable_test

import (
	"strings"
	"testing"

	"bkt/internal/printable"
)

func TestExcerpts(t *testing.T) {
	long := strings.Repeat("é", 61)
	cut := strings.Repeat("é", 60)
	for _, tt := range []struct{ text, quote, message string }{
		{"", `""`, ""},
		{"plain text", `"plain text"`, "plain text"},
		{"two\nlines\t\x1b[1m\u202e", `"two\nlines\t\x1b[1m\u202e"`, `two\nlines\t\u001b[1m\u202e`},
		{"\xff", `"\xff"`, `\xff`},
		{cut, `"` + cut + `"`, cut},
		{long, `"` + cut + `"…`, cut + "…"},
		{"unknown: " + long + " x", `"unknown: ` + strings.Repeat("é", 51) + `"…`, "unknown: " + cut + "… x"},
		{strings.Repeat("ab ", 100), `"` + strings.Repeat("ab ", 20) + `"…`, strings.Repeat("ab ", 80) + "…"},
		{"ends with …", `"ends with …"`, "ends with …"},
	} {
		if got := printable.Quote(tt.text); got != tt.quote {
			t.Errorf("Quote(%q) is %s, not %s", tt.text, got, tt.quote)
		}
		if got := printable.Message(tt.text); got != tt.message {
			t.Errorf("Message(%q) is %s, not %s", tt.text, got, tt.message)
		}
	}
}
