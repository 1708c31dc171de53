package plan_test

import (
	"errors"
	"strings"
	"testing"

	"bkt/internal/plan"

	"github.com/google/go-cmp/cmp"
)

func TestRewriteOfTheSameIsEmpty(t *testing.T) {
	for _, same := range []struct{ old, text []byte }{
		{[]byte{}, nil},
		{[]byte("x\n"), []byte("x\n")},
	} {
		if p := plan.Rewrite("/r/f", "f", same.old, same.text); len(p) != 0 {
			t.Errorf("%q to %q: %v", same.old, same.text, p)
		}
	}
}

func TestRewriteIsOneWrite(t *testing.T) {
	tests := []struct {
		name      string
		old, text []byte
		op        plan.Op
	}{
		{"other text", []byte("x\n"), []byte("y\n"), plan.Modify},
		{"a final newline", []byte("x"), []byte("x\n"), plan.Modify},
		{"CRLF", []byte("x\r\n"), []byte("x\n"), plan.Modify},
		{"emptied", []byte("x"), []byte{}, plan.Modify},
		{"no file yet", nil, []byte("x"), plan.Add},
		{"an empty file that was none", nil, nil, plan.Add},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := plan.Plan{{
				Op:      tt.op,
				Targets: []string{"f"},
				Steps:   []plan.Step{plan.Write{Path: "/r/f", Name: "f", Old: tt.old, New: tt.text}},
			}}
			if diff := cmp.Diff(want, plan.Rewrite("/r/f", "f", tt.old, tt.text)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPrintHasALineForEachChange(t *testing.T) {
	p := plan.Plan{
		{Op: plan.Add, Targets: []string{"a", "b"}},
		{Op: plan.Modify, Targets: []string{"Containerfile"}, Steps: []plan.Step{plan.Write{Name: "x"}, plan.Write{Name: "y"}}},
		{Op: plan.Remove, Targets: []string{"c"}},
	}
	tests := []struct {
		name, want string
		p          plan.Plan
	}{
		{"nothing", "", nil},
		{"some", "+ a b\n~ Containerfile\n- c\n", p},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			if err := tt.p.Print(&out); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, out.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// full is a device with no space left.
type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestPrintTellsOfFailure(t *testing.T) {
	if err := (plan.Plan{{Op: plan.Add}}).Print(full{}); !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
}

func TestDiff(t *testing.T) {
	const header = "--- a/sub/f\n+++ b/sub/f\n"
	tests := []struct{ name, old, text, want string }{
		{"the same", "x\n", "x\n", ""},
		{"a line in the middle", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n",
			header + "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"},
		{"a new file", "", "x\ny\n", header + "@@ -0,0 +1,2 @@\n+x\n+y\n"},
		{"emptied", "x\n", "", header + "@@ -1,1 +0,0 @@\n-x\n"},
		{"no final newline", "x\ny", "x\nz", header + "@@ -1,2 +1,2 @@\n x\n-y\n\\ No newline at end of file\n+z\n\\ No newline at end of file\n"},
		{"a final newline", "x", "x\n", header + "@@ -1,1 +1,1 @@\n-x\n\\ No newline at end of file\n+x\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := plan.Write{Path: "/r/sub/f", Name: "sub/f", Old: []byte(tt.old), New: []byte(tt.text)}
			if diff := cmp.Diff(tt.want, string(w.Diff())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWriteSaysWhatItDoes(t *testing.T) {
	w := plan.Write{Path: "/r/sub/f", Name: "sub/f"}
	if got := w.String(); got != "write sub/f" {
		t.Errorf("%q", got)
	}
}
