package engine

import (
	"os"
	"path/filepath"
	"testing"
)

// TestRemoveCgroups checks that an engine that starts removes the control groups of its own
// containers, in each hierarchy, and none that another engine has just made.
func TestRemoveCgroups(t *testing.T) {
	dir := t.TempDir()
	executor, groups := filepath.Join(dir, "executor"), filepath.Join(dir, "cgroup")
	own := []string{"bkt/buildkit/own", "memory/bkt/buildkit/own"}
	others := []string{"bkt/buildkit/other", "memory/bkt/buildkit/other"}
	for _, g := range append(own, others...) {
		if err := os.MkdirAll(filepath.Join(groups, g), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(executor, "own"), 0o755); err != nil {
		t.Fatal(err)
	}
	removeCgroups(groups, leftContainers(executor))
	for _, g := range own {
		if _, err := os.Stat(filepath.Join(groups, g)); !os.IsNotExist(err) {
			t.Errorf("%s: %v, want it removed", g, err)
		}
	}
	for _, g := range others {
		if _, err := os.Stat(filepath.Join(groups, g)); err != nil {
			t.Error(err)
		}
	}
}
