package pipeline

import (
	"os"
	"path/filepath"
	"testing"
)

// TestUnreadablePolicyIsNotMissing checks policies on signatures: an unreadable one
// does not allow everything.
func TestUnreadablePolicyIsNotMissing(t *testing.T) {
	dir := t.TempDir()
	for name, err := range map[string]error{
		"loop": os.Symlink("loop", filepath.Join(dir, "loop")),
		"file": os.WriteFile(filepath.Join(dir, "file"), nil, 0o600),
	} {
		if err != nil {
			t.Fatal(name, err)
		}
	}
	for path, want := range map[string]bool{"file": true, "loop/policy.json": true, "loop": true, "none": false, "none/policy.json": false, "file/policy.json": false} {
		if got := mayExist(filepath.Join(dir, path)); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
