package manifest_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/hint"
	"bkt/internal/manifest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// TestGolden reads every manifest NAME.json of the archives in testdata. After each
// is the expected result: NAME.errors, the errors and their hints, or NAME.canonical,
// the canonical text. The type of the manifest follows from its name or from the
// beginning of the archive's name; others are of packages.
func TestGolden(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no archives", err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { golden(t, path) })
	}
}

func golden(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := &txtar.Archive{Comment: archive.Comment}
	for _, f := range archive.Files {
		if strings.HasSuffix(f.Name, ".json") {
			got.Files = append(got.Files, f, outcome(kindOf(f.Name, filepath.Base(path)), f))
		}
	}
	want, text := string(txtar.Format(archive)), txtar.Format(got)
	if diff := cmp.Diff(want, string(text)); diff != "" && !*update {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if *update {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// kindOf returns the kind of the manifest called name in an archive.
func kindOf(name, archive string) manifest.File {
	kind, prefix := kinds()["system-packages.json"], ""
	for _, k := range manifest.All() {
		if k.Name == name {
			return k
		}
		if p := strings.TrimSuffix(k.Name, ".json"); strings.HasPrefix(archive, p) && len(p) > len(prefix) {
			kind, prefix = k, p
		}
	}
	return kind
}

// kinds returns every manifest by its name.
func kinds() map[string]manifest.File {
	all := map[string]manifest.File{}
	for _, k := range manifest.All() {
		all[k.Name] = k
	}
	return all
}

// outcome returns the file that says what came of a manifest.
func outcome(kind manifest.File, f txtar.File) txtar.File {
	name := strings.TrimSuffix(f.Name, ".json")
	text, err := kind.Format(f.Name, f.Data)
	if err != nil {
		return txtar.File{Name: name + ".errors", Data: []byte(report(err))}
	}
	return txtar.File{Name: name + ".canonical", Data: text}
}

// report returns the lines that the user sees of err.
func report(err error) string {
	out := err.Error() + "\n"
	for _, h := range hint.Of(err) {
		out += "hint: " + h + "\n"
	}
	return out
}

const (
	hintCutOff = "it may be cut off, or lack a closing quote, ] or }"
	hintObject = "the file must have a JSON object: { … }"
	hintNoBOM  = "save the file as UTF-8 without one (BOM)"
	hintUTF8   = "save the file as UTF-8"
)

// TestDecodeExplainsOddBytes tests bytes that a text archive cannot contain.
func TestDecodeExplainsOddBytes(t *testing.T) {
	tests := []struct {
		name, data, err string
		hints           []string
	}{
		{"empty file", "", "f.json:1:1: the file is empty", []string{"write an object, at least {}"}},
		{"byte order mark", "\ufeff{}", "f.json:1:1: a byte order mark is not allowed here", []string{hintObject, hintNoBOM}},
		{"UTF-16", "\xff\xfe{\x00}\x00", "f.json:1:1: this is not UTF-8", []string{hintObject, hintUTF8}},
		{"Latin-1", "{\"packages\": [\n\"gr\xfcn\"]}", "f.json:2:4: this is not UTF-8 (/packages/0)", []string{hintUTF8}},
		{"NUL", "{\"packages\": [\"a\x00b\"]}", `f.json:1:17: invalid character '\x00' in string (expecting non-control character) (/packages/0)`, nil},
		{"only NUL", "\x00", `f.json:1:1: invalid character '\x00' at start of value`, []string{hintObject}},
		{"carriage return in a string", "{\"packages\": [\"a\r\n\"]}", `f.json:1:17: a string may not contain an unescaped '\r' (/packages/0)`,
			[]string{`a closing quote may be missing; write a line break in a string as \n, a tab as \t`}},
		{"cut off in a string", `{"packages": ["jq", "g`, "f.json:1:23: the file ends too early (/packages/1)", []string{hintCutOff}},
		{"cut off in an escape", `{"packages": ["a\`, "f.json:1:18: the file ends too early (/packages/0)", []string{hintCutOff}},
		{"cut off in a code point", `{"packages": ["a\u00`, "f.json:1:21: the file ends too early (/packages/0)", []string{hintCutOff}},
		{"cut off in a character", "{\"packages\": [\"a\xc3", "f.json:1:18: the file ends too early (/packages/0)", []string{hintCutOff}},
		{"cut off in a literal", `{"packages": nul`, "f.json:1:17: the file ends too early", []string{hintCutOff}},
		{"cut off after a name", `{"packages"`, "f.json:1:12: the file ends too early", []string{hintCutOff}},
		{"cut off after a colon", `{"packages":`, "f.json:1:13: the file ends too early", []string{hintCutOff}},
		{"NUL after the end", "{}\x00", "f.json:1:3: unexpected text after the end of the object", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, source, err := manifest.Decode[manifest.Packages]("f.json", []byte(tt.data))
			if err == nil || source != nil {
				t.Fatalf("accepted %q", tt.data)
			}
			if diff := cmp.Diff(tt.err, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.hints, hint.Of(err)); diff != "" {
				t.Errorf("hints (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeCutsLongTextInErrors(t *testing.T) {
	long := strings.Repeat("ü", 1<<20)
	tests := []struct{ name, data, err string }{
		{"spec", `{"packages": ["` + long + `"]}`,
			`f.json:1:15: package "` + long[:2*60] + `"…: is too long: 2097152 bytes (at most 256) (/packages/0)`},
		{"COPR repository", `{"copr_repos": [{"name": "` + long + `/b"}]}`,
			`f.json:1:26: COPR repository "` + long[:2*60] + `"…: is too long: 2097154 bytes (at most 256) (/copr_repos/0/name)`},
		{"field", `{"` + long + `": 1}`, `f.json:1:2: unknown field "` + long[:2*60] + `"…`},
		{"field twice", `{"` + long + `": 1, "` + long + `": 2}`, `f.json:1:2: unknown field "` + long[:2*60] + `"…` + "\n" +
			`f.json:1:1048585: duplicate field "` + long[:2*60] + `"… (first at 1:2)`},
		{"pointer", `{"copr_repos": [{"name": "a/b", "` + long + `": 1}]}`,
			`f.json:1:33: unknown field "` + long[:2*60] + `"… (/copr_repos/0/` + long[:2*166] + `…)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := manifest.Decode[manifest.Packages]("f.json", []byte(tt.data))
			if err == nil {
				t.Fatal("accepted")
			}
			if got := err.Error(); got != tt.err {
				t.Errorf("got %.1000s\nwant %.1000s", got, tt.err)
			}
		})
	}
}

func TestDecodeRefusesEndlessNesting(t *testing.T) {
	tests := []struct{ name, data, err string }{
		{"lists", `{"x": ` + strings.Repeat("[", 1<<20), "f.json:1:70: more than 64 levels of lists and objects, the limit"},
		{"objects", strings.Repeat(`{"x":`, 1<<20), "f.json:1:321: more than 64 levels of lists and objects, the limit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := manifest.Decode[manifest.Packages]("f.json", []byte(tt.data))
			if err == nil {
				t.Fatal("accepted")
			}
			lines := strings.Split(err.Error(), "\n")
			if diff := cmp.Diff(tt.err, lines[len(lines)-1]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
