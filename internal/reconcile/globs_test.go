package reconcile_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"bkt/internal/reconcile"
)

// ignore returns the patterns of globs.
func ignore(t *testing.T, globs ...string) reconcile.Ignore {
	t.Helper()
	all, err := reconcile.ParseIgnore("f", []byte("d:"+strings.Join(globs, "\nd:")), []string{"d"})
	if err != nil {
		t.Fatal(err)
	}
	return all["d"]
}

func TestIgnore(t *testing.T) {
	tests := []struct {
		globs, matches, others string // with blanks between them
	}{
		{"a", "a", "b aa ab"},
		{"*", "a ab user/ü", ""},
		{"a*", "a ab a*", "b ba"},
		{"*a", "a ba aa", "ab b"},
		{"a*b*c", "abc a/b/c abbcc aabcbc", "ab abcd acb"},
		{"a?c", "abc aüc a?c", "ac abbc"},
		{"a*?c", "abc abbc", "ac"},
		{"**a**", "a bab", "b"},
		{"a b?", "a bc", "b ab bcd"},
		{"ü*日", "ü日 üx日", "u日 ü"},
		{"a.c [x] $", "a.c [x] $", "abc x"},
		{strings.Repeat("x", 63) + " " + strings.Repeat("y", 64) + "*", strings.Repeat("x", 63) + " " + strings.Repeat("y", 65), strings.Repeat("x", 64) + " " + strings.Repeat("y", 63)},
	}
	for _, tt := range tests {
		i := ignore(t, strings.Fields(tt.globs)...)
		for _, key := range strings.Fields(tt.matches) {
			if !i.Has(key) {
				t.Errorf("%s does not match %s", tt.globs, key)
			}
		}
		for _, key := range strings.Fields(tt.others) {
			if i.Has(key) {
				t.Errorf("%s matches %s", tt.globs, key)
			}
		}
	}
	if (reconcile.Ignore{}).Has("") || ignore(t, "a").Has("") || !ignore(t, "*").Has("") {
		t.Error("the empty key")
	}
}

// TestIgnoreLimits checks files on both sides of each limit, whose patterns are as
// slow as patterns can be.
func TestIgnoreLimits(t *testing.T) {
	slow := strings.Repeat("d:*a*a*a*a*a*a*b\n", 20_000)
	all, err := reconcile.ParseIgnore("f", []byte(slow), []string{"d"}, "d:own*")
	if err != nil {
		t.Fatal(err)
	}
	for n := range 2000 {
		if all["d"].Has(fmt.Sprint(strings.Repeat("a", 50), n)) {
			t.Fatal("it matches")
		}
	}
	if !all["d"].Has("own unit") {
		t.Error("a pattern of bkt itself does not count")
	}
	for text, want := range map[string]string{
		slow + "d:x":                            "f:20001:1: more than 20000 patterns, the limit",
		"#" + strings.Repeat("x", 1<<20):        "f: larger than 1024 KiB, the limit",
		"d:" + strings.Repeat("x", 1<<20-2):     "",
		strings.Repeat("# a comment\n", 25_000): "",
	} {
		if _, err := reconcile.ParseIgnore("f", []byte(text), []string{"d"}); (want == "") != (err == nil) || err != nil && err.Error() != want {
			t.Errorf("%v, not %s", err, want)
		}
	}
}

// FuzzIgnore compares the automaton with regular expressions.
func FuzzIgnore(f *testing.F) {
	f.Add("a*", "*b?", "ab")
	f.Add("*a*a", "??", "aaaa")
	f.Add("ü?", "", "ü日")
	f.Fuzz(func(t *testing.T, a, b, key string) {
		text := fmt.Sprintf("d:%s\nd:%s", a, b)
		all, err := reconcile.ParseIgnore("f", []byte(text), []string{"d"})
		if err != nil || !utf8.ValidString(text) || !utf8.ValidString(key) || strings.ContainsAny(text, "\r") || strings.Count(text, "\n") != 1 || strings.TrimSpace(a) != a || strings.TrimSpace(b) != b {
			return
		}
		want := false
		for _, glob := range []string{a, b} {
			quoted := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(glob))
			want = want || regexp.MustCompile(`(?s)^`+quoted+`$`).MatchString(key)
		}
		if got := all["d"].Has(key); got != want {
			t.Errorf("%q, %q: %q: %v", a, b, key, got)
		}
	})
}
