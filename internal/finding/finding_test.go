package finding_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"bkt/internal/finding"
	"bkt/internal/hint"

	"github.com/google/go-cmp/cmp"
)

// marker is a finding with all fields.
var marker = finding.Finding{
	Rule: "marker", Level: finding.Warning, Place: finding.Place{File: "a b/Containerfile", Line: 3, Column: 7},
	Subject: "system", Message: "is <odd>", Fix: []string{"remove it"},
}

func TestFrom(t *testing.T) {
	tests := []struct {
		name  string
		level finding.Level
		err   error
		want  finding.Finding
	}{
		{"a finding", finding.Error, marker, marker},
		{"a finding that is wrapped", finding.Error, fmt.Errorf("%w [marker]", marker), marker},
		{"a finding with another hint", finding.Error, hint.Add(finding.Finding{Rule: "x", Level: finding.Note, Message: "m", Fix: []string{"b"}}, "a"),
			finding.Finding{Rule: "x", Level: finding.Note, Message: "m", Fix: []string{"a", "b"}}},
		{"a finding without a level", finding.Warning, finding.Finding{Rule: "x", Message: "m"},
			finding.Finding{Rule: "x", Level: finding.Warning, Message: "m"}},
		{"an error", finding.Error, hint.Add(errors.New("no such file"), "create it"),
			finding.Finding{Rule: "error", Level: finding.Error, Message: "no such file", Fix: []string{"create it"}}},
		{"a warning", finding.Warning, errors.New("a: b"), finding.Finding{Rule: "warning", Level: finding.Warning, Message: "a: b"}},
		{"an error with a line", finding.Error, errors.New("a/b.json:4: bad: worse"),
			finding.Finding{Rule: "error", Level: finding.Error, Place: finding.Place{File: "a/b.json", Line: 4}, Message: "bad: worse"}},
		{"an error with a column", finding.Error, errors.New("b.json:4:5: bad"),
			finding.Finding{Rule: "error", Level: finding.Error, Place: finding.Place{File: "b.json", Line: 4, Column: 5}, Message: "bad"}},
		{"no place: no number", finding.Error, errors.New("dial tcp:http: bad"),
			finding.Finding{Rule: "error", Level: finding.Error, Message: "dial tcp:http: bad"}},
		{"no place: too many parts", finding.Error, errors.New("a:1:2:3: bad"),
			finding.Finding{Rule: "error", Level: finding.Error, Message: "a:1:2:3: bad"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff([]finding.Finding{tt.want}, finding.From(tt.level, tt.err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestText(t *testing.T) {
	tests := []struct {
		place finding.Place
		want  string
	}{
		{finding.Place{}, "m"},
		{finding.Place{File: "f"}, "f: m"},
		{finding.Place{File: "f", Line: 2}, "f:2: m"},
		{finding.Place{File: "f", Line: 2, Column: 3}, "f:2:3: m"},
	}
	for _, tt := range tests {
		f := finding.Finding{Place: tt.place, Message: "m", Fix: []string{"a", "b"}}
		if f.Error() != tt.want {
			t.Errorf("%+v: %q, not %q", tt.place, f.Error(), tt.want)
		}
		if diff := cmp.Diff([]string{"a", "b"}, hint.Of(fmt.Errorf("x: %w", f))); diff != "" {
			t.Errorf("hints (-want +got):\n%s", diff)
		}
	}
}

func TestDistinct(t *testing.T) {
	other := marker
	other.Fix = []string{"keep it"}
	if diff := cmp.Diff([]finding.Finding{marker, other}, finding.Distinct([]finding.Finding{marker, other, marker})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if finding.Distinct(nil) == nil {
		t.Error("nil, which JSON writes as null")
	}
}

// TestJSON checks the keys that scripts of users read.
func TestJSON(t *testing.T) {
	tests := []struct {
		finding finding.Finding
		want    string
	}{
		{marker, `{"rule":"marker","level":"warning","file":"a b/Containerfile","line":3,"column":7,"message":"is <odd>","hints":["remove it"]}`},
		{finding.Finding{Rule: "error", Level: finding.Error, Message: "m"}, `{"rule":"error","level":"error","message":"m"}`},
	}
	for _, tt := range tests {
		if got := encode(t, tt.finding); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestSARIF(t *testing.T) {
	whole := finding.Finding{Rule: "stale", Level: finding.Error, Place: finding.Place{File: "Containerfile"}, Message: "old"}
	nowhere := finding.Finding{Rule: "marker", Level: finding.Note, Message: "m"}
	const head = `{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[{"tool":{"driver":{"name":"bkt","version":"v1","rules":[`
	tests := []struct {
		name     string
		findings []finding.Finding
		want     string
	}{
		{"none", nil, head + `]}},"results":[]}]}`},
		{"three of two rules", []finding.Finding{marker, whole, nowhere}, head + `{"id":"marker"},{"id":"stale"}]}},"results":[` +
			`{"ruleId":"marker","level":"warning","message":{"text":"is <odd>\nremove it"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"a%20b/Containerfile"},"region":{"startLine":3,"startColumn":7}}}]},` +
			`{"ruleId":"stale","level":"error","message":{"text":"old"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"Containerfile"},"region":{"startLine":1}}}]},` +
			`{"ruleId":"marker","level":"note","message":{"text":"m"}}]}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := encode(t, finding.ToSARIF("v1", tt.findings)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestJUnit(t *testing.T) {
	got, err := finding.ToJUnit([]finding.Case{
		{Suite: "system", Name: "has jq", Took: 1500 * time.Millisecond},
		{Suite: "toolbox", Name: "kernel", Skipped: "does not apply"},
		{Suite: "system", Name: "a & b", Failure: "exit code 1", Output: "from x\n$ false"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="system" tests="2" failures="1" skipped="0">
    <testcase name="has jq" classname="system" time="1.5"></testcase>
    <testcase name="a &amp; b" classname="system" time="0">
      <failure message="exit code 1">from x&#xA;$ false</failure>
    </testcase>
  </testsuite>
  <testsuite name="toolbox" tests="1" failures="0" skipped="1">
    <testcase name="kernel" classname="toolbox" time="0">
      <skipped message="does not apply"></skipped>
    </testcase>
  </testsuite>
</testsuites>
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// encode encodes a value as package ui does, without the indentation.
func encode(t *testing.T, v any) string {
	t.Helper()
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(out.String(), "\n")
}
