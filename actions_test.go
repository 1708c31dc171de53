package bkt_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestActionsArePinned checks that each action of another repository is pinned to
// a commit, with its version as a comment, and to the same commit everywhere.
// Dependabot reads the comments, but it does not know what "bkt init" writes.
func TestActionsArePinned(t *testing.T) {
	files, err := filepath.Glob(".github/workflows/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal("no workflows", err)
	}
	uses := regexp.MustCompile(`(?m)^ *(?:- )?uses: *(.*)$`)
	pinned := regexp.MustCompile(`^([\w./-]+)@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	pins := map[string]string{}
	for _, name := range append(files, "action.yml", "internal/scaffold/skeleton.txtar") {
		for _, m := range uses.FindAllStringSubmatch(read(t, name), -1) {
			if strings.HasPrefix(m[1], "./") || m[1] == "[[ .Release.Action ]]" { // which a test of its own checks
				continue
			}
			p := pinned.FindStringSubmatch(m[1])
			if p == nil {
				t.Errorf("%s: %s is not pinned: write NAME@COMMIT # vX.Y.Z", name, m[1])
				continue
			}
			if first, ok := pins[p[1]]; ok && first != m[1] {
				t.Errorf("%s: %s, but elsewhere %s", name, m[1], first)
			}
			pins[p[1]] = m[1]
		}
	}
	if len(pins) == 0 {
		t.Error("no actions found")
	}
}
