package manifest_test

import (
	"strings"
	"testing"

	"bkt/internal/manifest"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

func TestSourceKnowsWhereValuesStand(t *testing.T) {
	const text = "\n \t{\"name\" :\t\"日本\", \"env\": {\"é\": \"x\", \"e\u0301\":\"y\",\r\n" +
		"\t\t\"a/b~c\": \"👩‍👩‍👧\", \"0\":\n\"z\"\n}, \"ports\": [1 , 22\n\t,333],\"grid\":[[],[\"ü\",\"v\"]] }\n"
	_, source, err := manifest.Decode[box]("box.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		pointer jsontext.Pointer
		want    manifest.Position
	}{
		{"the manifest", "", manifest.Position{Line: 2, Column: 3}},
		{"after tabs", "/name", manifest.Position{Line: 2, Column: 13}},
		{"after wide characters", "/env", manifest.Position{Line: 2, Column: 26}},
		{"after a letter with an accent", "/env/e\u0301", manifest.Position{Line: 2, Column: 42}},
		{"under a name of two bytes", "/env/é", manifest.Position{Line: 2, Column: 32}},
		{"under a name with a slash and a tilde", "/env/a~1b~0c", manifest.Position{Line: 3, Column: 12}},
		{"under a name that is a number", "/env/0", manifest.Position{Line: 4, Column: 1}},
		{"first of a list", "/ports/0", manifest.Position{Line: 5, Column: 14}},
		{"on the next line", "/ports/2", manifest.Position{Line: 6, Column: 3}},
		{"list in a list", "/grid/1", manifest.Position{Line: 6, Column: 19}},
		{"item of a list in a list", "/grid/1/1", manifest.Position{Line: 6, Column: 24}},
		{"missing field", "/comment", manifest.Position{Line: 2, Column: 3}},
		{"missing in an object", "/env/x", manifest.Position{Line: 2, Column: 26}},
		{"missing in a list", "/ports/3", manifest.Position{Line: 5, Column: 13}},
		{"no index", "/ports/x", manifest.Position{Line: 5, Column: 13}},
		{"negative index", "/ports/-1", manifest.Position{Line: 5, Column: 13}},
		{"below what is missing", "/parts/a/path", manifest.Position{Line: 2, Column: 3}},
		{"below a string", "/name/0/x", manifest.Position{Line: 2, Column: 13}},
		{"below an empty list", "/grid/0/0", manifest.Position{Line: 6, Column: 16}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, source.At(tt.pointer)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestSourceCountsFarIntoALine has characters of one to four bytes, so that
// they lie across every boundary at which the count may be kept.
func TestSourceCountsFarIntoALine(t *testing.T) {
	for _, char := range []string{"x", "ü", "日", "😀"} {
		const n = 400
		text := `{"grid": [["` + strings.Repeat(char+`","`, n-1) + char + `"]]}`
		_, source, err := manifest.Decode[box]("box.json", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			want := manifest.Position{Line: 1, Column: 12 + 4*i}
			if got := source.At(itemPointer("/grid/0", i)); got != want {
				t.Fatalf("%s: item %d is at %v, not %v", char, i, got, want)
			}
		}
	}
}

func TestSourceOfNoFileIsNoPlace(t *testing.T) {
	for _, s := range []*manifest.Source{nil, {}} {
		for _, p := range []jsontext.Pointer{"", "/packages/0"} {
			if got := s.At(p); got != (manifest.Position{}) {
				t.Errorf("At(%q) = %v", p, got)
			}
		}
	}
}
