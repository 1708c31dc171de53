package domains

import (
	"os"
	"path/filepath"
	"testing"

	"bkt/internal/host"
)

// TestCacheOfAnOlderVersion has files of an older bkt that all may read, and a private one.
func TestCacheOfAnOlderVersion(t *testing.T) {
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
	var m Cache
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, []byte(f.text), f.mode); err != nil {
			t.Fatal(err)
		}
		if text, err := m.Recall(path); err != nil || string(text) != f.text {
			t.Errorf("%s: recalled %q, %v", f.name, text, err)
		}
	}
	m.Save()
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		text, err := os.ReadFile(path)
		if err != nil || string(text) != f.want {
			t.Errorf("%s: kept %q, %v", f.name, text, err)
		}
		if host.ReadableByOthers(path) {
			t.Errorf("%s: others may read it", f.name)
		}
	}
	if host.ReadableByOthers(dir) {
		t.Error("others may read the folder")
	}
}
