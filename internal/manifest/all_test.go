package manifest_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/jsontest"
	"bkt/internal/manifest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzAll checks for every manifest that writing it twice changes nothing, and that
// each error has a place in the file.
func FuzzAll(f *testing.F) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		f.Fatal("no archives", err)
	}
	index := map[string]int{}
	for i, k := range manifest.All() {
		index[k.Name] = i
	}
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if !strings.HasSuffix(file.Name, ".errors") {
				f.Add(index[kindOf(file.Name, filepath.Base(path)).Name], file.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, i int, data []byte) {
		all := manifest.All()
		kind := all[uint(i)%uint(len(all))]
		text, err := kind.Format("f.json", data)
		if err != nil {
			jsontest.CheckErrors(t, data, err)
			return
		}
		if again, err := kind.Format("f.json", text); err != nil || !bytes.Equal(text, again) {
			t.Errorf("%s, once: %s\ntwice: %s, %v", kind.Name, text, again, err)
		}
	})
}

// TestItemsOfEveryManifestChangeTheirLinesOnly removes an item from a manifest that was
// written: no line of another item changes, except for a comma.
func TestItemsOfEveryManifestChangeTheirLinesOnly(t *testing.T) {
	tests := []struct {
		file, with, without string
		want                []string
	}{
		{"flatpak-apps.json",
			`{"apps": [{"id": "a.b.c", "remote": "r", "scope": "user"}, {"id": "a.b.b", "remote": "r", "scope": "system"}]}`,
			`{"apps": [{"id": "a.b.c", "remote": "r", "scope": "user"}]}`,
			[]string{`-    {`, `-      "id": "a.b.b",`, `-      "remote": "r",`, `-      "scope": "system"`, `-    },`}},
		{"gnome-extensions.json", `{"extensions": ["a@b", {"id": "c@d", "enabled": false}, "e@f"]}`, `{"extensions": [{"id": "c@d", "enabled": false}, "e@f"]}`,
			[]string{`-    "a@b",`}},
		{"gsettings.json",
			`{"settings": [{"schema": "a.b", "key": "y", "value": "1"}, {"schema": "a.b.x", "key": "k", "value": "2"}]}`,
			`{"settings": [{"schema": "a.b", "key": "y", "value": "1"}]}`,
			[]string{`-    {`, `-      "schema": "a.b.x",`, `-      "key": "k",`, `-      "value": "2"`, `-    },`}},
		{"system-config.json", `{"kargs": ["z", "a=1", "b"]}`, `{"kargs": ["z", "b"]}`, []string{`-    "a=1",`}},
		{"system-config.json", `{"kargs": {"append": ["z", "a=1", "b"]}}`, `{"kargs": {"append": ["z", "b"]}}`, []string{`-      "a=1",`}},
		{"systemd-services.json", `{"services": {"b.service": "masked", "a.service": "enabled"}}`, `{"services": {"b.service": "masked"}}`,
			[]string{`-    "a.service": "enabled",`}},
		{"distrobox.json", `{"containers": {"b": {"image": "i", "init_hooks": ["x", {"run": "y"}, "w"]}}}`, `{"containers": {"b": {"image": "i", "init_hooks": [{"run": "y"}, "w"]}}}`,
			[]string{`-        "x",`}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			with, without := mustFormat(t, tt.file, tt.with), mustFormat(t, tt.file, tt.without)
			got := changedLines(with, without)
			if strings.Join(got, "\n") == strings.Join(tt.want, "\n") {
				return
			}
			// A diff may also place a difference one line later.
			if diff := cmp.Diff(rotated(tt.want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// rotated returns lines with the first one last.
func rotated(lines []string) []string { return append(lines[1:len(lines):len(lines)], lines[0]) }

func mustFormat(t *testing.T, name, text string) []byte {
	t.Helper()
	formatted, err := kindOf(name, "").Format(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return formatted
}
