package merge_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"bkt/internal/manifest"
	"bkt/internal/merge"

	"github.com/google/go-cmp/cmp"
)

// TestTexts checks merges of single items. The JSON is compared without blanks.
func TestTexts(t *testing.T) {
	const (
		app        = `{"id": "org.example.A", "remote": "flathub", "scope": "user"}`
		apps       = "manifests/flatpak-apps.json"
		image      = "manifests/image.json"
		tools      = "manifests/toolbox-packages.json"
		containers = "manifests/distrobox.json"
	)
	with := func(fields string) string {
		return `{"apps": [` + strings.Replace(app, `"scope": "user"`, `"scope": "user"`+fields, 1) + `]}`
	}
	container := func(fields string) string { return `{"containers": {"dev": {"image": "a.example/b:1"` + fields + `}}}` }
	tests := []struct {
		name, path         string
		base, ours, theirs string
		want               string
		conflicts          string // names
	}{
		{"a schema, a comment and hosts stay", apps, with(``), `{"$schema": "x", "apps": [{"id": "org.example.A", "remote": "flathub", "scope": "user", "comment": "c"}]}`, with(`, "hosts": ["h"]`),
			`{"$schema": "x", "apps": [{"id": "org.example.A", "remote": "flathub", "scope": "user", "hosts": ["h"], "comment": "c"}]}`, ""},
		{"one side removes what the other changes", apps, with(``), `{"apps": []}`, with(`, "comment": "c"`),
			`{"apps": [{"conflict": {"ours": null, "theirs": {"id": "org.example.A", "remote": "flathub", "scope": "user", "comment": "c"}, "base": ` + app + `}}]}`, "apps user/org.example.A"},
		{"both remove it", apps, with(``), `{"apps": [], "$schema": "x"}`, `{"apps": []}`, `{"$schema": "x", "apps": []}`, ""},
		{"both add it", apps, `{"apps": []}`, with(`, "comment": "c"`), with(`, "hosts": ["h"]`),
			`{"apps": [{"id": "org.example.A", "remote": "flathub", "scope": "user", "hosts": ["h"], "comment": "c"}]}`, ""},
		{"hosts of both", apps, with(`, "hosts": ["a", "b"]`), with(`, "hosts": ["a", "b", "c"]`), with(`, "hosts": ["a"]`), with(`, "hosts": ["a", "c"]`), ""},
		{"all hosts, and another one", apps, with(`, "hosts": ["a"]`), with(``), with(`, "hosts": ["a", "c"]`),
			`{"apps": [{"conflict": {"ours": ` + app + `, "theirs": {"id": "org.example.A", "remote": "flathub", "scope": "user", "hosts": ["a", "c"]}, "base": {"id": "org.example.A", "remote": "flathub", "scope": "user", "hosts": ["a"]}}}]}`, "apps user/org.example.A"},
		{"the rest of an item in conflict", containers, container(``), container(`, "init": true, "pull": true, "packages": ["a"]`), container(`, "packages": ["b"], "comment": "x"`),
			container(`, "packages": ["a", "b"], "pull": true, "init": true, "comment": "x"`), ""},
		{"a digest and an image", image, `{"system": {"base": {"image": "a.example/b:1", "digest": "` + digest + `"}}}`,
			`{"system": {"base": {"image": "a.example/b:2"}}}`, `{"system": {"base": {"image": "a.example/b:1", "digest": "` + strings.ReplaceAll(digest, "0", "1") + `"}, "name": "a.example/x:1"}}`,
			`{"system": {"base": {"conflict": {"ours": {"image": "a.example/b:2"}, "theirs": {"image": "a.example/b:1", "digest": "` + strings.ReplaceAll(digest, "0", "1") + `"}, "base": {"image": "a.example/b:1", "digest": "` + digest + `"}}}, "name": "a.example/x:1"}}`, "system base"},
		{"the last entry and another one", image, `{"system": {"labels": {"a": "1"}}}`, `{"toolbox": {}}`, `{"system": {"labels": {"a": "1", "b": "2"}}}`, `{"system": {"labels": {"b": "2"}}}`, ""},
		{"two forms of an item", tools, `{"packages": ["a"]}`, `{"packages": [{"name": "a", "comment": "c"}]}`, `{"packages": [{"name": "a", "from_repo": "r"}, "b"]}`,
			`{"packages": [{"name": "a", "from_repo": "r", "comment": "c"}, "b"]}`, ""},
		{"two forms of a list", "manifests/system-config.json", `{"kargs": ["a"]}`, `{"kargs": ["a", "b"]}`, `{"kargs": {"append": ["a"], "remove": ["x"]}}`, `{"kargs": {"append": ["a", "b"], "remove": ["x"]}}`, ""},
		{"the order of a list", image, `{"system": {"checks": ["c", "a", "b"]}}`, `{"system": {"checks": ["c", "x", "a", "b"]}}`, `{"system": {"checks": ["b", "c", "a", "y"]}}`, `{"system": {"checks": ["b", "c", "x", "a", "y"]}}`, ""},
		{"two orders of a list", image, `{"system": {"checks": ["c", "a", "b"]}}`, `{"system": {"checks": ["c", "b", "a"]}}`, `{"system": {"checks": ["b", "c", "a"]}}`,
			`{"system": {"checks": {"conflict": {"ours": ["c", "b", "a"], "theirs": ["b", "c", "a"], "base": ["c", "a", "b"]}}}}`, "system checks"},
		{"a source and its checksum", "manifests/appimage-apps.json", `{"apps": [{"name": "a", "repo": "me/a", "version": "1"}]}`, `{"apps": [{"name": "a", "repo": "me/a", "version": "2"}]}`, `{"apps": [{"name": "a", "repo": "you/a", "version": "1"}]}`,
			`{"apps": [{"conflict": {"ours": {"name": "a", "repo": "me/a", "version": "2"}, "theirs": {"name": "a", "repo": "you/a", "version": "1"}, "base": {"name": "a", "repo": "me/a", "version": "1"}}}]}`, "apps a"},
		{"changes that are wrong together", containers, container(``), container(`, "bins": {"from": ["/opt"]}`), container(`, "bins": {"also": ["/opt/x"]}`),
			`{"containers": {"dev": {"conflict": {"ours": {"image": "a.example/b:1", "bins": {"from": ["/opt"]}}, "theirs": {"image": "a.example/b:1", "bins": {"also": ["/opt/x"]}}, "base": {"image": "a.example/b:1"}}}}}`, "containers dev"},
		{"fields of a newer bkt", tools, `{"packages": ["a"], "new": {"x": 1, "y": [1], "z": 1}}`, `{"packages": ["a"], "new": {"x": 2, "y": [1, 2], "z": 1}}`, `{"packages": ["a"], "new": {"x": 1, "y": [1, 3], "z": 2}}`,
			`{"packages": ["a"], "new": {"x": 2, "y": [1, 2, 3], "z": 2}}`, ""},
		{"a field of a newer bkt in conflict", tools, `{"new": {"x": 1, "y": 1}}`, `{"new": {"x": 2, "y": 1}}`, `{"new": {"x": 3, "y": 2}}`,
			`{"new": {"conflict": {"ours": {"x": 2, "y": 2}, "theirs": {"x": 3, "y": 2}, "base": {"x": 1, "y": 1}}}}`, "new"},
		{"items without a key", tools, `{"new": [{"x": 1}]}`, `{"new": [{"x": 1}, {"y": 1}]}`, `{"new": []}`, `{"new": {"conflict": {"ours": [{"x": 1}, {"y": 1}], "theirs": [], "base": [{"x": 1}]}}}`, "new"},
		{"the base has a conflict", apps, `{"apps": [{"conflict": {"ours": ` + app + `, "theirs": null, "base": null}}]}`, with(`, "comment": "c"`), with(`, "comment": "d"`),
			`{"apps": [{"conflict": {"ours": {"id": "org.example.A", "remote": "flathub", "scope": "user", "comment": "c"}, "theirs": {"id": "org.example.A", "remote": "flathub", "scope": "user", "comment": "d"}, "base": null}}]}`, "apps user/org.example.A"},
		{"a container called conflict", containers, `{"containers": {"conflict": {"image": "a.example/b:1"}}}`, `{"containers": {"conflict": {"image": "a.example/b:1", "init": true}}}`, `{"containers": {"conflict": {"image": "a.example/b:1", "root": true}}}`,
			`{"containers": {"conflict": {"image": "a.example/b:1", "init": true, "root": true}}}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := fileAt(t, tt.path)
			res, err := merge.Texts(f, nil, []byte(tt.base), []byte(tt.ours), []byte(tt.theirs))
			if err != nil || res.Invalid != nil {
				t.Fatal(err, res.Invalid)
			}
			if diff := cmp.Diff(compact(t, tt.want), compact(t, string(res.Text))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			var names []string
			for _, c := range res.Conflicts {
				names = append(names, c.Name)
			}
			if diff := cmp.Diff(tt.conflicts, strings.Join(names, ", ")); diff != "" {
				t.Errorf("conflicts (-want +got):\n%s", diff)
			}
			_, err = f.Format(f.Path, res.Text)
			if len(names) > 0 && (err == nil || !strings.Contains(err.Error(), "in conflict") && !strings.Contains(err.Error(), "unknown field")) {
				t.Errorf("a manifest in conflict is read: %v", err)
			}
		})
	}
}

const digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

func fileAt(t *testing.T, path string) manifest.File {
	t.Helper()
	i := slices.IndexFunc(manifest.All(), func(f manifest.File) bool { return f.Path == path })
	if i < 0 {
		t.Fatalf("no manifest %s", path)
	}
	return manifest.All()[i]
}

func compact(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, []byte(text)); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return out.String()
}

// TestDepth checks that deep nesting is an error, and takes no time.
func TestDepth(t *testing.T) {
	f := manifest.All()[0]
	deep := []byte(`{"x": ` + strings.Repeat(`{"conflict": `, 9000) + "1" + strings.Repeat("}", 9000) + "}")
	if _, err := merge.Find(f, deep); err == nil {
		t.Error("conflicts are found")
	}
	if res, err := merge.Texts(f, nil, []byte("{}"), deep, []byte(`{"y": 1}`)); err == nil {
		t.Errorf("%d bytes are merged", len(res.Text))
	}
	allowed := []byte(`{"x": ` + strings.Repeat("[", 60) + strings.Repeat("]", 60) + "}")
	if _, err := merge.Find(f, allowed); err != nil {
		t.Error(err)
	}
}

// TestSize checks that a merge of long lists ends soon.
func TestSize(t *testing.T) {
	list := func(first string) []byte {
		var b strings.Builder
		b.WriteString(`{"containers": {"dev": {"image": "a.example/b:1", "path": ["` + first + `"`)
		for i := range 20_000 {
			fmt.Fprintf(&b, `, "/p%d"`, i*7919%20_011)
		}
		b.WriteString("]}}}")
		return []byte(b.String())
	}
	for _, f := range manifest.All() {
		if f.Path != manifest.DistroboxPath {
			continue
		}
		res, err := merge.Texts(f, nil, list("/base"), list("/ours"), list("/theirs"))
		if err != nil || len(res.Text) < 100_000 {
			t.Errorf("%d bytes, %v", len(res.Text), err)
		}
	}
}

// TestLongValues checks that a rule does not get values of any length: what both sides changed
// in such a value is a conflict.
func TestLongValues(t *testing.T) {
	rules := merge.Rules{{Type: reflect.TypeFor[manifest.Setting](), Name: "value"}: merge.RuleOf(func(base, ours, theirs string) (string, bool) {
		return ours + theirs, len(base)+len(ours)+len(theirs) < 20_000
	})}
	for length, conflicts := range map[int]int{1000: 0, 9000: 1} {
		text := func(value string) []byte {
			return []byte(`{"settings": [{"schema": "a.b", "key": "k", "value": "` + strings.Repeat(value, length) + `"}]}`)
		}
		for _, f := range manifest.All() {
			if f.Path != manifest.SettingsPath {
				continue
			}
			res, err := merge.Texts(f, rules, text("1"), text("2"), text("3"))
			if err != nil || len(res.Conflicts) != conflicts {
				t.Errorf("%d bytes: %d conflicts, %v", length, len(res.Conflicts), err)
			}
		}
	}
}
