package ui

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"bkt/internal/plan"
)

// TestModeRun checks that a preview never executes, and that only --check reports
// changes, if there are any.
func TestModeRun(t *testing.T) {
	failed := errors.New("failed")
	for _, tt := range []struct {
		name     string
		mode     Mode
		changes  bool
		err      error // of the preview
		want     error
		executed bool
	}{
		{"execute", Mode{}, true, nil, nil, true},
		{"--dry-run", Mode{DryRun: true}, true, nil, nil, false},
		{"--check with changes", Mode{Check: true}, true, nil, ErrPending, false},
		{"--check without changes", Mode{Check: true}, false, nil, nil, false},
		{"--check that fails", Mode{Check: true}, true, failed, failed, false},
	} {
		executed := false
		err := tt.mode.Run(func() (bool, error) { return tt.changes, tt.err }, func() error {
			executed = true
			return nil
		})
		if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) || executed != tt.executed {
			t.Errorf("%s: %v, executed %v", tt.name, err, executed)
		}
	}
}

// An executor has the changes that it was to execute, and fails at some.
type executor struct{ got plan.Plan }

func (x *executor) Execute(_ context.Context, p plan.Plan, done func(plan.Change, error)) error {
	x.got = p
	for _, c := range p {
		var err error
		if c.Op == plan.Remove {
			err = errors.New("failed")
		}
		done(c, err)
	}
	return nil
}

// TestFinish checks the text of a plan, and that a preview executes nothing.
func TestFinish(t *testing.T) {
	p := plan.Plan{
		{Op: plan.Add, Targets: []string{"a"}, Steps: []plan.Step{plan.Run{Argv: []string{"make", "a"}}}},
		{Op: plan.Modify, Targets: []string{"f"}, Steps: []plan.Step{plan.Write{Path: "/f", Name: "f", Old: []byte("1\n"), New: []byte("2\n")}}},
		{Op: plan.Remove, Targets: []string{"b"}, Steps: []plan.Step{plan.Run{Argv: []string{"rm", "b"}}}},
	}
	const diff = "--- a/f\n+++ b/f\n@@ -1,1 +1,1 @@\n-1\n+2\n"
	for _, tt := range []struct {
		name    string
		changes plan.Plan
		mode    Mode
		steps   bool
		want    string
		err     error
	}{
		{"nothing", nil, Mode{Check: true}, true, "nothing to do\n", nil},
		{"preview", p, Mode{Check: true}, false, diff, ErrPending},
		{"preview of steps", p, Mode{Check: true}, true, "$ make a\n" + diff + "$ rm b\n", ErrPending},
		{"dry run of steps", p, Mode{DryRun: true}, true, "$ make a\n" + diff + "$ rm b\n", nil},
		{"execution", p, Mode{}, false, "+ a\n~ f\n", nil},
		{"execution of steps", p, Mode{}, true, "+ a\n~ f\n", nil},
	} {
		var out, notes bytes.Buffer
		x := &executor{}
		printer := &Printer{Out: &out, Err: &notes}
		finish := printer.Finish
		if tt.steps {
			finish = printer.FinishSteps
		}
		err := finish(t.Context(), x, tt.changes, tt.mode)
		if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) || out.String() != tt.want {
			t.Errorf("%s: %v\n%s", tt.name, err, &out)
		}
		if executed := len(x.got) > 0; executed != (len(tt.changes) > 0 && !tt.mode.Preview()) {
			t.Errorf("%s: executed %v", tt.name, x.got)
		}
	}
}
