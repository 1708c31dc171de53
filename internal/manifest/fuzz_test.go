package manifest_test

import (
	"bytes"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bkt/internal/jsontest"
	"bkt/internal/manifest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzDecode checks that a manifest that is read can be written and read again with
// the same result, that its values are where the source says, and that every error has
// a position in the file.
func FuzzDecode(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, source, err := manifest.Decode[manifest.Packages]("f.json", data)
		if err != nil {
			jsontest.CheckErrors(t, data, err)
			return
		}
		if !slices.ContainsFunc(p.Packages, func(p manifest.Package) bool { return !p.Bare }) {
			jsontest.CheckPositions(t, data, p.PackageNames(), "/packages", source)
		}
		jsontest.CheckPositions(t, data, p.Groups, "/groups", source)
		again := checkRoundTrip(t, p)
		// Reading refuses duplicates, so only the order can differ.
		byText := cmpopts.SortSlices(func(a, b string) bool { return a < b })
		byPackage := cmpopts.SortSlices(func(a, b manifest.Package) bool { return a.Name < b.Name })
		bySwap := cmpopts.SortSlices(func(a, b manifest.Swap) bool { return a.Remove < b.Remove })
		byName := cmpopts.SortSlices(func(a, b manifest.Copr) bool { return a.Name < b.Name })
		if diff := cmp.Diff(p, again, byText, byPackage, bySwap, byName, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("read (-) and read again (+):\n%s", diff)
		}
	})
}

// FuzzEncode checks that a manifest that is written is read again with the same
// result, and that no text gets into it, and so into a command line, that a shell or
// dnf would take for more than a name.
func FuzzEncode(f *testing.F) {
	f.Add("jq", "@editors", "kernel*", "firefox", "@a/b", "why\n")
	f.Add("kernel >= 6.1", "Sound (X)", "glibc.i686", "(a or b)", "a/b.c-d", "ü")
	f.Add("foo; touch /pwned", "--installroot=/", "a,b", "$(id)", "a/b\n[x]", "\x1b[31m")
	f.Add("https://x/y.rpm", "@", "\x00", "\xff", "../b", "\xff")
	f.Fuzz(func(t *testing.T, name, group, excluded, removed, copr, comment string) {
		p := manifest.Packages{
			Packages: manifest.PlainPackages(name),
			Groups:   []string{group},
			Excluded: []string{excluded},
			Removed:  []string{removed},
			Coprs:    []manifest.Copr{{Name: copr, Comment: comment}},
		}
		if _, err := manifest.Encode(p); err != nil {
			return
		}
		if diff := cmp.Diff(p, checkRoundTrip(t, p)); diff != "" {
			t.Errorf("written (-) and read (+):\n%s", diff)
		}
		for _, s := range []string{name, group, excluded, removed, copr} {
			if !harmless.MatchString(s) {
				t.Errorf("accepted %q", s)
			}
		}
	})
}

var harmless = regexp.MustCompile(`^@?[][A-Za-z0-9_./()*?!+~^:][][A-Za-z0-9_./()@*?!+~^:<>= -]*$`)

// seed adds the manifests of testdata, and bytes that they cannot contain.
func seed(f *testing.F) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		f.Fatal("no archives", err)
	}
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if !strings.HasSuffix(file.Name, ".errors") {
				f.Add(file.Data)
			}
		}
	}
	for _, text := range []string{
		"", "\ufeff{}", "{\"\xff\": 1}", "{}\x00", `{"packages": ["a\`, "{\r\n\"packages\"\r\n:\r\n[\"ü\\u00fc\", \"jq\"]\r\n}",
		"{\"packages\": [\"" + strings.Repeat("ü", 300) + "\"]}",
	} {
		f.Add([]byte(text))
	}
}

// checkRoundTrip checks that writing v, reading that and writing it again changes
// nothing, and returns the value that was read.
func checkRoundTrip[T any](t *testing.T, v T) T {
	t.Helper()
	text, err := manifest.Encode(v)
	if err != nil {
		t.Fatalf("read, and not written: %v", err)
	}
	again, _, err := manifest.Decode[T]("f.json", text)
	if err != nil {
		t.Fatalf("written, and not read: %v\n%s", err, text)
	}
	twice, err := manifest.Encode(again)
	if err != nil || !bytes.Equal(text, twice) {
		t.Errorf("once: %s\ntwice: %s, %v", text, twice, err)
	}
	return again
}
