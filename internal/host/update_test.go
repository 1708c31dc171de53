package host_test

import (
	"errors"
	"strings"
	"testing"

	"bkt/internal/plan"
)

// An addition adds a line, unless it is there.
type addition struct{ line string }

func (a addition) String() string { return "add " + a.line }

func (a addition) Edit(text []byte) ([]byte, error) {
	switch {
	case strings.Contains(string(text), a.line):
		return nil, nil
	case strings.Contains(string(text), "odd"):
		return nil, errors.New("cannot be read")
	}
	return append(text, a.line+"\n"...), nil
}

func TestUpdate(t *testing.T) {
	tests := []struct{ name, text, after, err string }{
		{"changed", "a\n", "a\nb\n", ""},
		{"the same", "b\n", "", ""},
		{"not to be edited", "odd\n", "", "x: cannot be read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			u := plan.FilterCommand{
				Read:  plan.Run{Argv: []string{"cat", put(t, dir+"/in", tt.text, 0o600)}},
				Edit:  addition{"b"},
				Write: plan.Run{Argv: []string{"tee", dir + "/out"}},
			}
			if err := carryOut(t, u); err == nil && tt.err != "" || err != nil && err.Error() != tt.err {
				t.Errorf("error is %v, not %s", err, tt.err)
			}
			expected := map[string]string{"in": tt.text}
			if tt.after != "" {
				expected["out"] = tt.after
			}
			want(t, dir, expected)
		})
	}
}

func TestUpdateTellsOfFailure(t *testing.T) {
	for name, u := range map[string]plan.FilterCommand{
		"of reading": {Read: plan.Run{Argv: []string{"false"}}},
		"of writing": {Read: plan.Run{Argv: []string{"true"}}, Write: plan.Run{Argv: []string{"false"}}},
	} {
		u.Edit = addition{"b"}
		if err := carryOut(t, u); err == nil || err.Error() != "x: false: exit status 1" {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func TestFailFails(t *testing.T) {
	reason := errors.New("there is no way")
	if err := carryOut(t, plan.Fail{Reason: reason}); !errors.Is(err, reason) {
		t.Errorf("error is %v", err)
	}
}
