package statefile_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"bkt/internal/hint"
	"bkt/internal/statefile"
)

// TestProblems checks what a user reads, and which files may be moved away.
func TestProblems(t *testing.T) {
	broken := errors.New("/s/x.json: is cut off")
	tests := []struct {
		name     string
		err      error
		text     string
		hints    []string
		moveable bool
	}{
		{"damaged", statefile.Damaged("/s/x.json", broken, "without it, all is well"), "/s/x.json: is cut off",
			[]string{`run "bkt doctor --fix", which moves this file away: without it, all is well`}, true},
		{"of a newer bkt", statefile.Newer("/s/x.json", 3, 2), "/s/x.json: has version 3, and this bkt reads version 2",
			[]string{"update bkt: a newer one wrote this file"}, false},
		{"only the user", &statefile.Problem{Path: "/s/x.json", Err: broken, Hint: "look at it"}, "/s/x.json: is cut off",
			[]string{"look at it"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := fmt.Errorf("domain: %w", tt.err)
			p := statefile.Of(err)
			if p == nil || p.Error() != tt.text || p.CanMove() != tt.moveable || !slices.Equal(hint.Of(err), tt.hints) {
				t.Errorf("%+v, hints %q", p, hint.Of(err))
			}
		})
	}
	if err := statefile.Damaged("/s/x.json", nil, "x"); err != nil || statefile.Of(broken) != nil {
		t.Errorf("of no error: %v", err)
	}
}

// TestAway checks that a file that was moved away is found again, and no other.
func TestAway(t *testing.T) {
	p := statefile.Problem{Path: "/s/x.json"}
	const want = "/s/x.json.damaged-20260102-030405"
	if got := p.Away(time.Date(2026, 1, 2, 4, 4, 5, 0, time.FixedZone("", 3600))); got != want {
		t.Error(got)
	}
	for name, is := range map[string]bool{"x.json.damaged-20260102-030405": true, "x.json": false, "y.json.damaged-20260102-030405": false, ".x.json.damaged-1": false} {
		if statefile.IsAway(name, "/s/x.json") != is {
			t.Errorf("%s: %v", name, !is)
		}
	}
}
