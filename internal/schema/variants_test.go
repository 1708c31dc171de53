package schema_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"testing"

	"bkt/internal/manifest"
)

// values replace the values of manifests of the corpus.
var values = []any{
	"", "x", "/x", "~/x", "x.y.z", "x.service", "https://x/y", "user", "system", "installation=x", "enabled", "x y", " ", "-x", "PATH", "--x=y",
	0, 1, -1, 1.5, true, false, nil, []any{}, []any{"x"}, []any{"x", "x"}, []any{""}, map[string]any{}, map[string]any{"x": "y"}, map[string]any{"": "y"},
}

// variants calls visit with each variant of a JSON value: with one value in it replaced or
// removed. what says which.
func variants(value any, visit func(what string, changed any)) {
	for _, other := range values {
		visit(fmt.Sprintf(" = %#v", other), other)
	}
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			without := maps.Clone(v)
			delete(without, name)
			visit("/"+name+" removed", without)
			variants(v[name], func(what string, changed any) {
				with := maps.Clone(v)
				with[name] = changed
				visit("/"+name+what, with)
			})
		}
	case []any:
		for i := range v {
			visit(fmt.Sprintf("/%d removed", i), slices.Delete(slices.Clone(v), i, i+1))
			variants(v[i], func(what string, changed any) {
				with := slices.Clone(v)
				with[i] = changed
				visit(fmt.Sprintf("/%d%s", i, what), with)
			})
		}
	}
}

// elsewhere are the errors that depend on another place of the manifest.
var elsewhere = regexp.MustCompile(`duplicate |and also in|sha256 (is missing|without url) for`)

// TestSchemasAgreeOnVariants changes one value of each good manifest of the corpus in many
// ways. A schema accepts what bkt still reads, and refuses what bkt refuses by form.
func TestSchemasAgreeOnVariants(t *testing.T) {
	for _, f := range manifest.All() {
		s := compile(t, f)
		for _, d := range corpus(t, f) {
			if d.verdict != "good" {
				continue
			}
			var value any
			numbers := json.NewDecoder(bytes.NewReader(d.text))
			numbers.UseNumber()
			if err := numbers.Decode(&value); err != nil {
				t.Fatal(err)
			}
			variants(value, func(what string, changed any) {
				text, err := json.Marshal(changed)
				if err != nil {
					t.Fatal(err)
				}
				_, readErr := f.Format(f.Name, text)
				if err := validate(s, text); err != nil && readErr == nil {
					t.Errorf("%s%s: bkt reads it, and by the schema: %v", d, what, err)
				} else if err == nil && readErr != nil && !elsewhere.MatchString(readErr.Error()) {
					t.Errorf("%s%s: bkt says %v, and the schema accepts it", d, what, readErr)
				}
			})
		}
	}
}
