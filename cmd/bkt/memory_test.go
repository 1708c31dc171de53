package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestMemoryOfOlder has files that an older bkt has written for all to read, and
// one that nobody else may read.
func TestMemoryOfOlder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bkt")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	files := []struct {
		name, text, want string
		mode             os.FileMode
	}{
		{"secret", `{"Args":["--env=DB_PASSWORD=apple"]}`, "{}\n", 0o644},
		{"plain", `{"Args":["--env=EDITOR=vi"]}`, `{"Args":["--env=EDITOR=vi"]}`, 0o644},
		{"own", `{"Stamp":"1"}`, `{"Stamp":"1"}`, 0o600},
	}
	var m memory
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, []byte(f.text), f.mode); err != nil {
			t.Fatal(err)
		}
		if text, err := m.recall(path); err != nil || string(text) != f.text {
			t.Errorf("%s: recalled %q, %v", f.name, text, err)
		}
	}
	m.keep()
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		text, err := os.ReadFile(path)
		if err != nil || string(text) != f.want {
			t.Errorf("%s: kept %q, %v", f.name, text, err)
		}
		if othersMayRead(path) {
			t.Errorf("%s: others may read it", f.name)
		}
	}
	if othersMayRead(dir) {
		t.Error("others may look into the folder")
	}
}
