package strictjson_test

import (
	"strings"
	"testing"

	"bkt/internal/strictjson"
)

func TestNearest(t *testing.T) {
	fields := []string{"$schema", "packages", "groups", "excluded", "removed", "copr_repos"}
	tests := []struct {
		name, word string
		known      []string
		want       string
	}{
		{"letter missing", "pakages", fields, "packages"},
		{"letter too many", "grroups", fields, "groups"},
		{"letters swapped", "exculded", fields, "excluded"},
		{"other case", "REMOVED", fields, "removed"},
		{"other case, not ASCII", "ÜBER", []string{"über"}, "über"},
		{"a third of a long word", "abcdefghijkl", []string{"abcdefghwxyz"}, "abcdefghwxyz"},
		{"more than a third", "abcdefghijkl", []string{"abcdefgvwxyz"}, ""},
		{"three letters of a short word", "gruppen", fields, ""},
		{"two letters of a short word", "grope", []string{"groups"}, "groups"},
		{"nothing in common", "unknown", fields, ""},
		{"nothing in common, and long", "a~b/c[31m", fields, ""},
		{"nothing in common, and short", "ab", []string{"xy"}, ""},
		{"one letter of two", "ab", []string{"ax"}, "ax"},
		{"another letter", "a", []string{"b"}, ""},
		{"the same letter in another case", "a", []string{"A"}, "A"},
		{"empty word", "", []string{"a", "ab"}, ""},
		{"nothing known", "a", nil, ""},
		{"the nearest of several", "abcdef", []string{"abcdxx", "abcdex", "abcxef"}, "abcdex"},
		{"the first of those as near", "abcdef", []string{"xbcdef", "abcdex"}, "xbcdef"},
		{"the word itself", "abc", []string{"abd", "abc", "ABC"}, "abc"},
		{"far too long", strings.Repeat("a", 101), []string{strings.Repeat("a", 101)}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := strictjson.Nearest(tt.word, tt.known)
			if got != tt.want || ok != (tt.want != "") {
				t.Errorf("Nearest(%q) = %q, %v, not %q", tt.word, got, ok, tt.want)
			}
		})
	}
}
