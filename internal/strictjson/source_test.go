package strictjson_test

import (
	"strings"
	"testing"

	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

func TestSourceKnowsWhereValuesStand(t *testing.T) {
	const text = "\n \t{\"name\" :\t\"日本\", \"env\": {\"é\": \"x\", \"e\u0301\":\"y\",\r\n" +
		"\t\t\"a/b~c\": \"👩‍👩‍👧\", \"0\":\n\"z\"\n}, \"ports\": [1 , 22\n\t,333],\"grid\":[[],[\"ü\",\"v\"]] }\n"
	_, source, err := strictjson.Decode[sample]("sample.json", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		pointer jsontext.Pointer
		want    strictjson.Position
	}{
		{"the root", "", strictjson.Position{Line: 2, Column: 3}},
		{"after tabs", "/name", strictjson.Position{Line: 2, Column: 13}},
		{"after wide characters", "/env", strictjson.Position{Line: 2, Column: 26}},
		{"after a letter with an accent", "/env/e\u0301", strictjson.Position{Line: 2, Column: 42}},
		{"under a name of two bytes", "/env/é", strictjson.Position{Line: 2, Column: 32}},
		{"under a name with a slash and a tilde", "/env/a~1b~0c", strictjson.Position{Line: 3, Column: 12}},
		{"under a name that is a number", "/env/0", strictjson.Position{Line: 4, Column: 1}},
		{"first of a list", "/ports/0", strictjson.Position{Line: 5, Column: 14}},
		{"on the next line", "/ports/2", strictjson.Position{Line: 6, Column: 3}},
		{"list in a list", "/grid/1", strictjson.Position{Line: 6, Column: 19}},
		{"item of a list in a list", "/grid/1/1", strictjson.Position{Line: 6, Column: 24}},
		{"missing field", "/comment", strictjson.Position{Line: 2, Column: 3}},
		{"missing in an object", "/env/x", strictjson.Position{Line: 2, Column: 26}},
		{"missing in a list", "/ports/3", strictjson.Position{Line: 5, Column: 13}},
		{"no index", "/ports/x", strictjson.Position{Line: 5, Column: 13}},
		{"negative index", "/ports/-1", strictjson.Position{Line: 5, Column: 13}},
		{"below what is missing", "/parts/a/path", strictjson.Position{Line: 2, Column: 3}},
		{"below a string", "/name/0/x", strictjson.Position{Line: 2, Column: 13}},
		{"below an empty list", "/grid/0/0", strictjson.Position{Line: 6, Column: 16}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, source.At(tt.pointer)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestSourceCountsFarIntoALine tests characters of one to four bytes, so that they
// cross every boundary at which the count may be kept.
func TestSourceCountsFarIntoALine(t *testing.T) {
	for _, char := range []string{"x", "ü", "日", "😀"} {
		const n = 400
		text := `{"grid": [["` + strings.Repeat(char+`","`, n-1) + char + `"]]}`
		_, source, err := strictjson.Decode[sample]("sample.json", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			want := strictjson.Position{Line: 1, Column: 12 + 4*i}
			if got := source.At(strictjson.Item("/grid/0", i)); got != want {
				t.Fatalf("%s: item %d is at %v, not %v", char, i, got, want)
			}
		}
	}
}

func TestSourceOfNoFileIsNoPlace(t *testing.T) {
	for _, s := range []*strictjson.Source{nil, {}} {
		for _, p := range []jsontext.Pointer{"", "/packages/0"} {
			if got := s.At(p); got != (strictjson.Position{}) {
				t.Errorf("At(%q) = %v", p, got)
			}
		}
	}
}
