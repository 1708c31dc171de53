package imagetest

import (
	"testing"
	"time"

	"bkt/gen"
	"bkt/internal/finding"
	"bkt/internal/imagerule"
	"bkt/internal/manifest"

	"github.com/google/go-cmp/cmp"
)

func TestParseOutcome(t *testing.T) {
	tests := []struct {
		line string
		i    int
		want outcome
		ok   bool
	}{
		{"000001 0 1000000000 3500000000\n", 1, outcome{0, 2500 * time.Millisecond}, true},
		{"000000 77 %N %N\n", 0, outcome{77, 0}, true}, // a date without nanoseconds
		{"000000 1\n", 0, outcome{1, 0}, true},
		{"000002 0 1 2\n", 0, outcome{}, false}, // there are two checks
		{"-1 0 1 2\n", 0, outcome{}, false},
		{"000000\n", 0, outcome{}, false},
		{"000000 x\n", 0, outcome{}, false},
		{"\n", 0, outcome{}, false},
	}
	for _, tt := range tests {
		i, got, err := parseOutcome(tt.line, 2)
		if i != tt.i || got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%q: %d, %+v, %v", tt.line, i, got, err)
		}
	}
}

func TestRecord(t *testing.T) {
	at := manifest.Entry{File: "manifests/x.json"}
	failed := func(message string) []finding.Finding {
		return []finding.Finding{{Rule: "check", Level: finding.Error, Place: at.Place(), Subject: "system", Message: message}}
	}
	tests := []struct {
		code int
		want Result
	}{
		{0, Result{Status: Passed}},
		{77, Result{Status: Skipped, Code: 77}},
		{3, Result{Status: Failed, Code: 3, Output: "text", Findings: failed("exit code 3")}},
		{124, Result{Status: Failed, Code: 124, Output: "text", TimedOut: true, Findings: failed("exit code 124")}},
		{137, Result{Status: Failed, Code: 137, Output: "text", TimedOut: true, Findings: failed("exit code 137")}},
	}
	for _, tt := range tests {
		tt.want.Image, tt.want.Entry, tt.want.Took = gen.System, at, time.Second
		got := Result{Image: gen.System, Check: imagerule.Check{Entry: at}}
		got.record(outcome{tt.code, time.Second}, "text")
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("exit code %d (-want +got):\n%s", tt.code, diff)
		}
	}
}

func TestCheckLabel(t *testing.T) {
	labels := map[string]string{"a": "1", "empty": ""}
	tests := []struct {
		name, value string
		status      Status
		output      string
	}{
		{"a", "1", Passed, ""},
		{"a", "2", Failed, `it is "1", not "2"`},
		{"b", "1", Failed, "the image has no such label"},
		{"empty", "", Passed, ""},
	}
	for _, tt := range tests {
		r := Result{Check: imagerule.Check{Label: tt.name, Value: tt.value}}
		r.checkLabel(labels)
		if r.Status != tt.status || r.Output != tt.output || (r.Status == Failed) != (len(r.Findings) == 1) {
			t.Errorf("%s=%s: %+v", tt.name, tt.value, r)
		}
	}
}

// TestCheckComplete checks that a check without a result is an error, and not one
// that has passed.
func TestCheckComplete(t *testing.T) {
	results := []Result{{Status: Passed}, {Check: imagerule.Check{Name: "has jq"}}}
	if err := checkComplete(results); err == nil || err.Error() != `check "has jq" has no result` {
		t.Error(err)
	}
	if err := checkComplete(results[:1]); err != nil {
		t.Error(err)
	}
}
