package hook_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"bkt/internal/finding"
	"bkt/internal/hint"
	"bkt/internal/hook"
	"bkt/internal/manifest"

	"github.com/google/go-cmp/cmp"
)

// twice declares three hooks of a container; two are the same.
const twice = `{
  "containers": {
    "dev": {"image": "quay.io/me/dev", "init_hooks": [
      {"run": "touch /a"},
      {"run": "touch /b"},
      {"run": "touch /a"}
    ]},
    "late": {"image": "quay.io/me/dev", "pre_init_hooks": ["true"]}
  }
}
`

func readTwice(t *testing.T) hook.Manifest {
	t.Helper()
	m, err := hook.Read(fstest.MapFS{manifest.DistroboxPath: {Data: []byte(twice)}})
	check(t, err)
	return m
}

func TestHooks(t *testing.T) {
	m := readTwice(t)
	tests := []struct {
		containers []string
		want       []string // container and command
		err        string
	}{
		{nil, []string{"dev touch /a", "dev touch /b", "dev touch /a", "late true"}, ""},
		{[]string{"late", "dev", "late"}, []string{"late true", "dev touch /a", "dev touch /b", "dev touch /a"}, ""},
		{[]string{"lete"}, nil, `manifests/distrobox.json has no container "lete" (did you mean "late"?)`},
		{[]string{"other"}, nil, `manifests/distrobox.json has no container "other"`},
	}
	for _, tt := range tests {
		hooks, err := m.Hooks(tt.containers...)
		var got []string
		for _, h := range hooks {
			got = append(got, h.Container+" "+h.Run)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.containers, diff)
		}
		if text := message(err); text != tt.err {
			t.Errorf("%q: error %q, not %q", tt.containers, text, tt.err)
		}
	}
}

// TestByContainer checks that the hooks of a container stay together, in their order.
func TestByContainer(t *testing.T) {
	hooks, err := readTwice(t).Hooks()
	check(t, err)
	mixed := []*hook.Declared{hooks[3], hooks[0], hooks[1]}
	mixed = append(mixed, hooks[3], hooks[2])
	want := [][]*hook.Declared{{hooks[3], hooks[3]}, hooks[:3]}
	got := hook.ByContainer(mixed)
	if len(got) != 2 || !slices.Equal(got[0], want[0]) || !slices.Equal(got[1], want[1]) {
		t.Errorf("%v", got)
	}
	if got := hook.ByContainer(nil); len(got) != 0 {
		t.Errorf("of none: %v", got)
	}
}

// TestAsRoot checks which hooks run as root: in a container of root's engine, others run as
// the user, too.
func TestAsRoot(t *testing.T) {
	text := `{"containers": {"a": {"image": "x", "root": true, "pre_init_hooks": ["a"], "init_hooks": ["b", {"run": "c", "as": "root"}]}}}`
	m, err := hook.Read(fstest.MapFS{manifest.DistroboxPath: {Data: []byte(text)}})
	check(t, err)
	hooks, err := m.Hooks()
	check(t, err)
	var root string
	for _, h := range hooks {
		if h.AsRoot() {
			root += h.Run
		}
	}
	if root != "ac" {
		t.Errorf("as root: %q", root)
	}
}

func TestReadWithoutManifest(t *testing.T) {
	m, err := hook.Read(fstest.MapFS{})
	check(t, err)
	if hooks, err := m.Hooks(); len(hooks) != 0 || err != nil {
		t.Errorf("%v, %v", hooks, err)
	}
}

func TestReadWrongManifest(t *testing.T) {
	_, err := hook.Read(fstest.MapFS{manifest.DistroboxPath: {Data: []byte(`{"container": {}}`)}})
	if err == nil {
		t.Error("no error")
	}
	_, err = hook.Read(fstest.MapFS{manifest.DistroboxPath + "/x": {}})
	if err == nil {
		t.Error("no error for a folder")
	}
}

// TestFindingNamesItsHook checks that a finding is about one hook, also if another
// has the same text, and about none where that is unknown.
func TestFindingNamesItsHook(t *testing.T) {
	hooks, err := readTwice(t).Hooks("dev")
	check(t, err)
	rule := hook.Rule{Name: "run-twice", Verdict: hook.NotIdempotent, Reason: "changes it", Use: "write it once"}
	tests := []struct {
		finding hook.Finding
		want    string
	}{
		{rule.At(hooks[0], 0, "touch /a", ""), "manifests/distrobox.json:4:16: not idempotent: changes it [run-twice]\n    touch /a"},
		{rule.At(hooks[1], 6, "/b", "/b: changes it"), "manifests/distrobox.json:5:22: not idempotent: /b: changes it [run-twice]\n    /b"},
		{rule.At(hooks[2], 0, "touch /a", ""), "manifests/distrobox.json:6:16: not idempotent: changes it [run-twice]\n    touch /a"},
		{rule.Somewhere("dev", "/a: changes it"), "manifests/distrobox.json: an unknown hook of dev: not idempotent: /a: changes it [run-twice]"},
	}
	for _, tt := range tests {
		err := hook.Err([]hook.Finding{tt.finding})
		if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"instead: write it once"}, hint.Of(err)); diff != "" {
			t.Errorf("hints (-want +got):\n%s", diff)
		}
		if f, ok := errors.AsType[finding.Finding](err); !ok || f.Subject != "dev" || f.Rule != "hook/run-twice" || f.Level != finding.Error {
			t.Errorf("finding %+v", f)
		}
	}
	if hook.Err(nil) != nil {
		t.Error("an error without findings")
	}
}

// TestFindingJSON checks the keys that scripts of users read.
func TestFindingJSON(t *testing.T) {
	hooks, err := readTwice(t).Hooks("dev")
	check(t, err)
	rule := hook.Rule{Name: "append", Verdict: hook.NotIdempotent, Reason: "adds", Use: "grep"}
	text, err := json.Marshal(rule.At(hooks[1], 0, "touch /b", ""))
	check(t, err)
	want := `{"rule":"hook/append","level":"error","file":"manifests/distrobox.json","line":5,"column":16,` +
		`"message":"not idempotent: adds","hints":["instead: grep"],"container":"dev","verdict":"not idempotent","source":"touch /b"}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestDetails checks that a long line and an unusual name keep the form of a message.
func TestDetails(t *testing.T) {
	f := hook.Finding{
		Files:  []hook.File{{Path: "~/a\nb", Change: "added", Lines: []string{"+" + strings.Repeat("é", 300)}}, {Path: "~/c d", Change: "removed"}},
		Output: []string{strings.Repeat("x", 201), strings.Repeat("y", 200)},
	}
	want := []string{`"~/a\nb": added`, "  +" + strings.Repeat("é", 199) + "…", "~/c d: removed", "| " + strings.Repeat("x", 200) + "…", "| " + strings.Repeat("y", 200)}
	if diff := cmp.Diff(want, f.Details()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
