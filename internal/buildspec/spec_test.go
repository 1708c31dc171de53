package buildspec_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"bkt/internal/buildspec"
)

// TestRemoteBelowLinterComments checks that comments for BuildKit's linter above
// instructions are accepted.
func TestRemoteBelowLinterComments(t *testing.T) {
	dir := t.TempDir()
	text := "# check=skip=all\nFROM quay.io/a/b:1 AS b\n# check=skip=all\nRUN true\n# check=nonsense\nFROM b\n"
	if err := os.WriteFile(filepath.Join(dir, "Containerfile"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	names, err := buildspec.Spec{Containerfile: "Containerfile", Context: dir}.Remote()
	if err != nil || !slices.Equal(names, []string{"quay.io/a/b:1"}) {
		t.Errorf("%q, %v", names, err)
	}
}
