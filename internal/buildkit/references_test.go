package buildkit_test

import (
	"path/filepath"
	"slices"
	"testing"

	"bkt/internal/buildkit"
)

// TestRemoteBelowLinterComments checks that comments for BuildKit's linter, which
// may stand above any instruction, are no obstacle.
func TestRemoteBelowLinterComments(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "Containerfile"), "# check=skip=all\nFROM quay.io/a/b:1 AS b\n# check=skip=all\nRUN true\n# check=nonsense\nFROM b\n")
	names, err := buildkit.Remote(buildkit.Spec{Containerfile: "Containerfile", Context: dir})
	if err != nil || !slices.Equal(names, []string{"quay.io/a/b:1"}) {
		t.Errorf("%q, %v", names, err)
	}
}
