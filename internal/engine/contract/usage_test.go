package contract_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"bkt/internal/engine/contract"
)

// TestMeasure compares with du(1) for hard links, holes and folders.
func TestMeasure(t *testing.T) {
	dir := t.TempDir()
	err := errors.Join(
		os.WriteFile(filepath.Join(dir, "file"), make([]byte, 100_000), 0o644),
		os.Link(filepath.Join(dir, "file"), filepath.Join(dir, "same")),
		os.Symlink("file", filepath.Join(dir, "link")),
		os.MkdirAll(filepath.Join(dir, "a/b/work/work"), 0o700),
		os.WriteFile(filepath.Join(dir, "a/b/small"), []byte("x"), 0o644),
		os.WriteFile(filepath.Join(dir, "holes"), nil, 0o644),
		os.Truncate(filepath.Join(dir, "holes"), 1<<30),
	)
	if err != nil {
		t.Fatal(err)
	}
	got, err := contract.Measure(dir)
	if want := du(t, dir); err != nil || got.Bytes != want || got.Unreadable != 0 {
		t.Errorf("got %+v, %v, and du says %d", got, err, want)
	}
	without, err := contract.Measure(dir, filepath.Join(dir, "a"))
	if want := du(t, dir) - du(t, filepath.Join(dir, "a")); err != nil || without.Bytes != want {
		t.Errorf("without a folder: got %+v, %v, want %d", without, err, want)
	}
	nothing, err := contract.Measure(filepath.Join(dir, "missing"))
	if err != nil || nothing != (contract.Usage{}) {
		t.Errorf("of nothing: %+v, %v", nothing, err)
	}
}

// du returns the size of dir from du(1), in bytes.
func du(t *testing.T, dir string) int64 {
	t.Helper()
	out, err := exec.Command("du", "-s", "--block-size=1", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(out), "\t")
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
