package main

import (
	"strings"
	"testing"

	"bkt/internal/hint"
	"bkt/internal/hook/rehearse"
	"bkt/internal/imagetest"
	"bkt/internal/manifest"

	"github.com/google/go-cmp/cmp"
)

// twice are the hooks of a container of which two are the same.
const twice = `{
  "containers": {
    "dev": {"image": "quay.io/me/dev", "init_hooks": [
      {"run": "touch /a"},
      {"run": "touch /b"},
      {"run": "touch /a"}
    ]}
  }
}
`

func hooksForTest(t *testing.T) []boxHook {
	t.Helper()
	boxes, source, err := manifest.Decode[manifest.Boxes](manifest.DistroboxPath, []byte(twice))
	if err != nil {
		t.Fatal(err)
	}
	var hooks []boxHook
	for _, h := range boxes.Hooks("dev", source) {
		hooks = append(hooks, boxHook{h, "dev"})
	}
	return hooks
}

// TestFindingsNameTheirHook checks that a finding is of the hook that it is about,
// and of none where that is not known.
func TestFindingsNameTheirHook(t *testing.T) {
	hooks := hooksForTest(t)
	for hook, want := range map[int]string{
		0:  "manifests/distrobox.json:4:16: changes: /a: is there twice [run-twice]\n    touch /a",
		1:  "manifests/distrobox.json:5:16: changes: /a: is there twice [run-twice]\n    touch /b",
		2:  "manifests/distrobox.json:6:16: changes: /a: is there twice [run-twice]\n    touch /a",
		-1: "manifests/distrobox.json: a hook of dev, and it is not known which: changes: /a: is there twice [run-twice]",
	} {
		f := asHookFinding(rehearse.Finding{Hook: hook, Rule: rehearse.RunTwice, Verdict: "changes", Path: "/a", What: "is there twice"}, hooks)
		if diff := cmp.Diff(want, f.err().Error()); diff != "" {
			t.Errorf("hook %d (-want +got):\n%s", hook, diff)
		}
		if hints := hint.Of(f.err()); len(hints) != 1 || !strings.HasPrefix(hints[0], "instead: ") {
			t.Errorf("hints %q", hints)
		}
	}
}

// TestEqualHooksAreTestsOfTheirOwn checks that a finding fails the hook that it is
// about, and not another one that reads the same.
func TestEqualHooksAreTestsOfTheirOwn(t *testing.T) {
	hooks := hooksForTest(t)
	statuses := func(numbers ...int) map[string]imagetest.Status {
		var found []hookFinding
		for _, n := range numbers {
			found = append(found, asHookFinding(rehearse.Finding{Hook: n, Rule: rehearse.RunTwice, What: "x"}, hooks))
		}
		all := map[string]imagetest.Status{}
		for _, r := range asTests(hooks, found) {
			all[r.Entry.String()+" "+r.Name] = r.Status
		}
		return all
	}
	want := map[string]imagetest.Status{
		"manifests/distrobox.json:4:16 hook of dev: touch /a": imagetest.Passed,
		"manifests/distrobox.json:5:16 hook of dev: touch /b": imagetest.Passed,
		"manifests/distrobox.json:6:16 hook of dev: touch /a": imagetest.Failed,
	}
	if diff := cmp.Diff(want, statuses(2)); diff != "" {
		t.Errorf("the last hook (-want +got):\n%s", diff)
	}
	want["manifests/distrobox.json hooks of dev: it is not known which"] = imagetest.Failed
	if diff := cmp.Diff(want, statuses(2, -1)); diff != "" {
		t.Errorf("the last hook, and one that is not known (-want +got):\n%s", diff)
	}
}
