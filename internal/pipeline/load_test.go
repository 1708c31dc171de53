package pipeline

import (
	"os"
	"path/filepath"
	"testing"
)

// TestCheckNamed checks that an image counts as loaded only if the program has it,
// whatever the program reports.
func TestCheckNamed(t *testing.T) {
	bin := t.TempDir()
	const program = "#!/bin/sh\ntest \"$IS\" && echo \"$IS\"\n"
	if err := os.WriteFile(filepath.Join(bin, "podman"), []byte(program), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	for _, tt := range []struct {
		is, id string
		fails  bool
	}{
		{"0123", "0123", false},
		{"sha256:0123", "0123", false},
		{"0123", "sha256:0123", false},
		{"0123", "", false},
		{"4567", "0123", true},
		{"", "0123", true},
		{"", "", true},
	} {
		t.Setenv("IS", tt.is)
		if err := checkNamed(t.Context(), "podman", "localhost/x:1", tt.id); (err != nil) != tt.fails {
			t.Errorf("%q, %q: %v", tt.is, tt.id, err)
		}
	}
}
