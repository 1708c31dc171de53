package ocilayout

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCreateRefusesForeignFiles checks that a writer accepts a folder only if a build
// wrote all its files.
func TestCreateRefusesForeignFiles(t *testing.T) {
	const ref = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	tests := []struct {
		name, file string
		err        string // part of it
	}{
		{"a build that was killed", "ingest/" + ref + "/data", ""},
		{"one by dockerd that was killed", "ingest/docker123/archive.tar", ""},
		{"a file", "notes", "holds notes"},
		{"a folder of the same name", "ingest/2026/notes", "holds 2026, which bkt has not written"},
		{"a file in a folder of the same name", "ingest/" + ref, "holds " + ref + ", which bkt has not written"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, tt.file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("mine"), 0o644); err != nil {
				t.Fatal(err)
			}
			w, err := Create(t.Context(), dir, func() {})
			if err == nil {
				w.Close()
			}
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v", err)
			}
			if _, err := os.Stat(path); err != nil {
				t.Error(err)
			}
		})
	}
}
