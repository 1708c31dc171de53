package imagetest_test

import (
	"testing"
	"testing/fstest"
	"time"

	"bkt/gen"
	"bkt/internal/finding"
	"bkt/internal/hook"
	"bkt/internal/imagerule"
	"bkt/internal/imagetest"
	"bkt/internal/manifest"

	"github.com/google/go-cmp/cmp"
)

// twice declares three hooks of a container; two are the same.
const twice = `{"containers": {"dev": {"image": "quay.io/me/dev", "init_hooks": [
  "touch /a",
  "touch /b",
  "touch /a"
]}}}`

var rule = hook.Rule{Name: "run-twice", Verdict: hook.NotIdempotent, Reason: "x", Use: "y"}

func readHooks(t *testing.T) []*hook.Declared {
	t.Helper()
	m, err := hook.Read(fstest.MapFS{manifest.DistroboxPath: {Data: []byte(twice)}})
	if err != nil {
		t.Fatal(err)
	}
	hooks, err := m.Hooks()
	if err != nil {
		t.Fatal(err)
	}
	return hooks
}

// TestFromHooks checks that a finding fails the hook that it is about, and not
// another one with the same text.
func TestFromHooks(t *testing.T) {
	hooks := readHooks(t)
	passed := map[string]imagetest.Status{
		"manifests/distrobox.json:2:4 hook of dev: touch /a": imagetest.Passed,
		"manifests/distrobox.json:3:4 hook of dev: touch /b": imagetest.Passed,
		"manifests/distrobox.json:4:4 hook of dev: touch /a": imagetest.Passed,
	}
	tests := []struct {
		name   string
		found  []hook.Finding
		failed []string
	}{
		{"none", nil, nil},
		{"the last", []hook.Finding{rule.At(hooks[2], 0, "touch /a", "")}, []string{"manifests/distrobox.json:4:4 hook of dev: touch /a"}},
		{"inside the first", []hook.Finding{rule.At(hooks[0], 6, "/a", "")}, []string{"manifests/distrobox.json:2:4 hook of dev: touch /a"}},
		{"an unknown one", []hook.Finding{rule.Somewhere("dev", "")}, []string{"manifests/distrobox.json an unknown hook of dev"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want, got := map[string]imagetest.Status{}, map[string]imagetest.Status{}
			for name, status := range passed {
				want[name] = status
			}
			for _, name := range tt.failed {
				want[name] = imagetest.Failed
			}
			for _, r := range imagetest.FromHooks(hooks, tt.found) {
				got[r.Entry.String()+" "+r.Name] = r.Status
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDetailAndCase(t *testing.T) {
	check := imagerule.Check{Entry: manifest.Entry{File: "manifests/x.json"}, Name: "has jq", Command: "rpm -q jq"}
	hooks := readHooks(t)
	failedHook := imagetest.FromHooks(hooks[:1], []hook.Finding{rule.At(hooks[0], 0, "touch /a", ""), rule.At(hooks[0], 0, "touch /a", "z")})[0]
	tests := []struct {
		name   string
		result imagetest.Result
		want   finding.Case
	}{
		{"passed", imagetest.Result{Image: gen.System, Check: check, Status: imagetest.Passed, Took: time.Second},
			finding.Case{Suite: "system", Name: "has jq", Took: time.Second}},
		{"skipped", imagetest.Result{Image: gen.System, Check: check, Status: imagetest.Skipped, Code: imagerule.NotApplicable},
			finding.Case{Suite: "system", Name: "has jq", Skipped: "does not apply"}},
		{"failed", imagetest.Result{Image: gen.System, Check: check, Status: imagetest.Failed, Code: 1, Output: "no", Findings: []finding.Finding{{Message: "exit code 1"}}},
			finding.Case{Suite: "system", Name: "has jq", Failure: "exit code 1", Output: "from manifests/x.json\n$ rpm -q jq\nno\nexit code 1"}},
		{"timed out", imagetest.Result{Image: gen.Toolbox, Check: check, Status: imagetest.Failed, Code: 124, Took: 1100 * time.Millisecond, TimedOut: true, Findings: []finding.Finding{{Message: "exit code 124"}}},
			finding.Case{Suite: "toolbox", Name: "has jq", Took: 1100 * time.Millisecond, Failure: "exit code 124", Output: "from manifests/x.json\n$ rpm -q jq\ntimed out after 1s\nexit code 124"}},
		{"a hook", failedHook,
			finding.Case{Suite: "toolbox", Name: "hook of dev: touch /a", Failure: "not idempotent: x",
				Output: "from manifests/distrobox.json:2:4\nnot idempotent: x [run-twice]\ninstead: y\nnot idempotent: z [run-twice]\ninstead: y"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.result.Case()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestErr(t *testing.T) {
	passed, failed, skipped := imagetest.Result{Status: imagetest.Passed}, imagetest.Result{Status: imagetest.Failed}, imagetest.Result{Status: imagetest.Skipped}
	if err := imagetest.Err([]imagetest.Result{passed, skipped}); err != nil {
		t.Error(err)
	}
	if err := imagetest.Err([]imagetest.Result{passed, failed, skipped, failed}); err == nil || err.Error() != "2 of 4 checks failed" {
		t.Error(err)
	}
}
