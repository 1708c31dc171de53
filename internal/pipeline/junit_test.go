package pipeline_test

import (
	"os"
	"strings"
	"testing"

	"bkt/internal/pipeline"
	"bkt/internal/repo"
)

// TestWriteJUnit checks that a report does not overwrite what a link of the repository leads
// to, and that the user may have it written anywhere else.
func TestWriteJUnit(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	r := repo.Repo{Root: dir + "/repo"}
	if err := os.Mkdir(r.Root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("mine", []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../mine", "repo/report.xml"); err != nil {
		t.Fatal(err)
	}
	err := pipeline.WriteJUnit(t.Context(), r, "repo/report.xml", nil)
	if err == nil || !strings.Contains(err.Error(), "outside of "+r.Root) {
		t.Errorf("error %v", err)
	}
	if text, err := os.ReadFile("mine"); err != nil || string(text) != "mine" {
		t.Errorf("%q, %v", text, err)
	}
	for _, name := range []string{"repo/new/report.xml", "report.xml", "report.xml"} {
		if err := pipeline.WriteJUnit(t.Context(), r, name, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if text, err := os.ReadFile(name); err != nil || !strings.Contains(string(text), "<testsuite") {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}
