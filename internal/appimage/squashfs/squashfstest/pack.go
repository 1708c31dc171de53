// Package squashfstest creates squashfs images for tests.
package squashfstest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/testkit"
)

// Pack returns an image with files, by name. A file whose content begins with "-> "
// is a link. Options are those of mksquashfs.
func Pack(t testing.TB, files map[string]string, options ...string) []byte {
	t.Helper()
	testkit.Need(t, "mksquashfs")
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "image")
	for name, text := range files {
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if to, ok := strings.CutPrefix(text, "-> "); ok {
			err = errors.Join(err, os.Symlink(to, path))
		} else {
			err = errors.Join(err, os.WriteFile(path, []byte(text), 0o644))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	args := append([]string{dir, out, "-noappend", "-no-progress", "-root-owned", "-mkfs-time", "0", "-all-time", "0"}, options...)
	if text, err := exec.Command("mksquashfs", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
