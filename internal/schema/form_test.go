package schema

import (
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"bkt/internal/manifest"
)

// checks returns all checks of texts in manifests, by name. The checks of fixed lists have
// no name of their own.
func checks(t testing.TB) map[string]func(string) error {
	t.Helper()
	all := map[string]func(string) error{}
	var walk func(s *schema)
	walk = func(s *schema) {
		if s.check != nil {
			all[nameOf(s.check)] = s.check
		}
		if s.Names != nil {
			walk(s.Names)
		}
		for _, f := range s.Fields {
			walk(f.schema)
		}
		for _, part := range s.parts() {
			walk(part)
		}
	}
	for _, f := range manifest.All() {
		s := comments{}.ofType(f.Type)
		if err := addRules(s, f); err != nil {
			t.Fatal(err)
		}
		walk(s)
	}
	return all
}

// matcher returns a function that reports whether a text has a form.
func matcher(f form) func(text string) bool {
	whole := func(pattern string) *regexp.Regexp { return regexp.MustCompile(anchored(pattern)) }
	pattern, also, not := whole(f.Pattern), whole(f.Also), whole(f.Not)
	return func(text string) bool {
		one := len(f.Values) == 0 && f.Pattern == "" || f.Pattern != "" && pattern.MatchString(text)
		return (one || slices.Contains(f.Values, text)) &&
			(f.Also == "" || also.MatchString(text)) &&
			(f.Not == "" || !not.MatchString(text)) &&
			(f.Longest == 0 || utf8.RuneCountInString(text) <= f.Longest)
	}
}

// agreement returns a function that checks that all forms agree with their checks about a
// text: a form accepts what its check accepts and, unless it is loose, nothing else.
func agreement(t testing.TB) func(t *testing.T, text string) {
	t.Helper()
	type pair struct {
		check   func(string) error
		matches func(string) bool
		form    form
	}
	all := map[string]pair{}
	for name, check := range checks(t) {
		f := formOf(check)
		all[name] = pair{check, matcher(f), f}
	}
	return func(t *testing.T, text string) {
		t.Helper()
		for name, p := range all {
			err := p.check(text)
			switch matches := p.matches(text); {
			case err == nil && !matches:
				t.Errorf("%s accepts %q, and its form does not", name, text)
			case err != nil && matches && p.form.Loose == "":
				t.Errorf("%s does not accept %q (%v), and its form does", name, text, err)
			}
		}
	}
}

// fragments are the parts of the texts that forms are tried with.
var fragments = []string{
	"a", "Z", "0", "_", "-", ".", "..", "/", "~", "~/", "@", ":", ";", ",", " ", "\t", "\n", "\r", "=", "'", `"`, "%", "$", "*", "?", "!", "#", "&", "|", "<", "^", "+",
	"(", ")", "[", "]", "{", `\`, "`", "\x00", "\x7f", "\u0085", "\u00a0", "\u200b", "\u202e", "\u2028", "\u3000", "\ufeff", "\U000e0001", "é", "日本", "🙂",
	"https://a", "HTTPS://", "http:", "file:", "file://", "file:///", "oci+https://", "://", "installation=", "installation=games", "system", "user", "ego", "linux/", "amd64", "386", "arm64",
	"x86_64", "aarch64", "$basearch", ".service", ".timer", "x@y.service", "--", "--env=", "--share=network", "--installation=", "org.gnome", ".Boxes", "global", "sha256:",
	strings.Repeat("0123456789abcdef", 4), "abcdef0", "/opt/", "system/", "./", ".git", "etc/motd", "app", "app/", "PATH", "$PATH", "$HOME/", "/usr/bin", ".rpm", " >= ", " or ", "@group", "owner/project",
	"main", "scratch", "Context", "quay.io/a/b", ":1", "@sha256:", "docker://", "oci-archive:", "localhost:5000/", "de", "pt_BR", "0644", "enabled", "network", "root",
	strings.Repeat("a", 255), strings.Repeat("a", 256), strings.Repeat("a", 257), "fedora-rawhide-", "org.gnome.desktop.interface", "/org/gnome/", "append", "mkdir",
}

func TestFormsAgreeWithChecks(t *testing.T) {
	agree := agreement(t)
	agree(t, "")
	for _, a := range fragments {
		agree(t, a)
		for _, b := range fragments {
			agree(t, a+b)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 1500 {
		text := ""
		for range 3 + random.IntN(3) {
			text += fragments[random.IntN(len(fragments))]
		}
		agree(t, text)
	}
}

func FuzzForms(f *testing.F) {
	for _, text := range fragments {
		f.Add(text)
	}
	agree := agreement(f)
	f.Fuzz(func(t *testing.T, text string) {
		if utf8.ValidString(text) {
			agree(t, text)
		}
	})
}

// TestFormsAreUsed finds forms of checks that are not made any more.
func TestFormsAreUsed(t *testing.T) {
	all := checks(t)
	for _, name := range slices.Sorted(maps.Keys(forms)) {
		if all[name] == nil {
			t.Errorf("no manifest has a value with %s", name)
		}
	}
}
