package manifest_test

import (
	"strings"
	"testing"

	"bkt/internal/manifest"

	"github.com/google/go-cmp/cmp"
)

// TestHooks checks that the hooks of a container come in the order in which they run,
// and know the position of each of their bytes.
func TestHooks(t *testing.T) {
	const text = `{"containers": {"ab": {"image": "x",
  "init_hooks": ["echo \"é\" \\ \u00e9 \ud83d\ude00 \/ !", {"as": "user", "run": "!"}],
  "pre_init_hooks": ["\t!"]
}}}`
	containers, source, err := manifest.Decode[manifest.Containers]("distrobox.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	type found struct {
		run, as string
		pre     bool
		at      manifest.Position // of the exclamation mark
	}
	var got []found
	for _, h := range containers.Hooks("ab", source) {
		got = append(got, found{h.Run, h.As, h.Pre, h.At(strings.Index(h.Run, "!"))})
	}
	want := []found{
		{"\t!", "root", true, manifest.Position{Line: 3, Column: 25}},
		{`echo "é" \ é 😀 / !`, "", false, manifest.Position{Line: 2, Column: 56}},
		{"!", "user", false, manifest.Position{Line: 2, Column: 83}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(found{})); diff != "" {
		t.Error(diff)
	}
	if hooks := containers.Hooks("other", source); hooks != nil {
		t.Error(hooks)
	}
}
