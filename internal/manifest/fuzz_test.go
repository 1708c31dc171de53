package manifest_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"bkt/internal/manifest"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzDecode checks that what is read can be written and is read again as the
// same, in any case that it stands where its source says, and that what is not
// read is refused with a place in the file.
func FuzzDecode(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, source, err := manifest.Decode[manifest.Packages]("f.json", data)
		if err != nil {
			checkErrors(t, data, err)
			return
		}
		checkPositions(t, data, p.Packages, "/packages", source)
		checkPositions(t, data, p.Groups, "/groups", source)
		again := checkRoundTrip(t, p)
		// Reading has refused duplicates, so that all that can differ is the order.
		byText := cmpopts.SortSlices(func(a, b string) bool { return a < b })
		byName := cmpopts.SortSlices(func(a, b manifest.Copr) bool { return a.Name < b.Name })
		if diff := cmp.Diff(p, again, byText, byName, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("read (-) and read again (+):\n%s", diff)
		}
	})
}

// FuzzEveryKind does the same with fields of every kind.
func FuzzEveryKind(f *testing.F) {
	seed(f)
	f.Add([]byte(boxText))
	f.Add([]byte(`{"size": 1e3, "level": 256, "ratio": -0, "free": {"a": [], "b": 1E400}, "frees": {"": {}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, source, err := manifest.Decode[box]("f.json", data)
		if err != nil {
			checkErrors(t, data, err)
			return
		}
		for i, row := range b.Grid {
			checkPositions(t, data, row, itemPointer("/grid", i), source)
		}
		checkRoundTrip(t, b)
	})
}

// FuzzEncode checks that what is written is read again as the same, and that no
// text gets into a manifest, and so into a command line, that a shell or dnf
// would take for more than a name.
func FuzzEncode(f *testing.F) {
	f.Add("jq", "@editors", "kernel*", "firefox", "@a/b", "why\n")
	f.Add("kernel >= 6.1", "Sound (X)", "glibc.i686", "(a or b)", "a/b.c-d", "ü")
	f.Add("foo; touch /pwned", "--installroot=/", "a,b", "$(id)", "a/b\n[x]", "\x1b[31m")
	f.Add("https://x/y.rpm", "@", "\x00", "\xff", "../b", "\xff")
	f.Fuzz(func(t *testing.T, name, group, excluded, removed, copr, comment string) {
		p := manifest.Packages{
			Packages: []string{name},
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

// seed adds the manifests of testdata, and what they cannot hold.
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

// checkRoundTrip checks that writing v, reading that and writing it again
// changes nothing, and returns what was read.
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

// checkPositions checks that the items of the list that p points to stand
// where source says.
func checkPositions(t *testing.T, data []byte, items []string, p jsontext.Pointer, source *manifest.Source) {
	t.Helper()
	for i, want := range items {
		rest, ok := from(data, source.At(itemPointer(p, i)))
		if !ok {
			t.Fatalf("%s/%d is outside of the file", p, i)
		}
		token, err := jsontext.NewDecoder(bytes.NewReader(rest)).ReadToken()
		if err != nil || token.Kind() != '"' || token.String() != want {
			t.Errorf("%s/%d is %q, but at its place stands %q", p, i, want, rest)
		}
	}
}

func itemPointer(p jsontext.Pointer, i int) jsontext.Pointer {
	return jsontext.Pointer(fmt.Sprintf("%s/%d", p, i))
}

var errorLine = regexp.MustCompile(`^f\.json:([1-9][0-9]*):([1-9][0-9]*): .`)

// checkErrors checks that each of the joined errors is a line that can be
// shown in a terminal, begins with a place in the file, and comes in the order
// of the file.
func checkErrors(t *testing.T, data []byte, err error) {
	t.Helper()
	lines := strings.Split(err.Error(), "\n")
	if last := len(lines) - 1; last > 0 && lines[last] == "f.json: there are more problems than these" {
		lines = lines[:last]
	}
	var places []int
	for _, line := range lines {
		if len(line) > 2000 || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("not fit to be shown: %q", line)
		}
		m := errorLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("no place in %q", line)
		}
		rest, ok := from(data, manifest.Position{Line: number(m[1]), Column: number(m[2])})
		if !ok {
			t.Fatalf("outside of the file: %q", line)
		}
		places = append(places, len(data)-len(rest))
	}
	if len(lines) > 20 || !slices.IsSorted(places) {
		t.Errorf("too many errors, or out of order:\n%v", err)
	}
}

func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

// from returns the file from a position on, and whether that is in the file or
// right at its end.
func from(data []byte, pos manifest.Position) ([]byte, bool) {
	for range pos.Line - 1 {
		_, rest, ok := bytes.Cut(data, []byte("\n"))
		if !ok {
			return nil, false
		}
		data = rest
	}
	for range pos.Column - 1 {
		if len(data) == 0 || data[0] == '\n' {
			return nil, false
		}
		_, size := utf8.DecodeRune(data)
		data = data[size:]
	}
	return data, pos.Line > 0 && pos.Column > 0
}
