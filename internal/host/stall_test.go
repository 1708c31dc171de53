package host_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bkt/internal/host"

	"golang.org/x/sys/unix"
)

// TestStalledGit checks that git ends when it waits for a pipe in the place of one of the
// files that it reads, and that the error names it.
func TestStalledGit(t *testing.T) {
	for _, name := range []string{".git/HEAD", ".git/config", ".git/index", ".git/info/exclude", ".gitignore", "sub/.gitattributes"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			put(t, filepath.Join(dir, "sub/file"), "x", 0o644)
			for _, args := range [][]string{{"init", "-q"}, {"add", "sub"}} {
				if err := host.RunGit(t.Context(), dir, args...); err != nil {
					t.Fatal(err)
				}
			}
			path := filepath.Join(dir, name)
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
			if err := unix.Mkfifo(path, 0o644); err != nil {
				t.Fatal(err)
			}
			err := host.RunWithLimit(t.Context(), 400*time.Millisecond, dir, "git", "status", "-z")
			if err == nil || !strings.Contains(err.Error(), path+", which is neither a file nor a folder") {
				t.Errorf("%v, want an error that names %s", err, path)
			}
		})
	}
}

// TestSlowCommand checks that a command that works for longer than the limit is not killed.
func TestSlowCommand(t *testing.T) {
	t.Parallel()
	err := host.RunWithLimit(t.Context(), 80*time.Millisecond, t.TempDir(), "sh", "-c", "i=0; while [ $i -lt 500000 ]; do i=$((i+1)); done")
	if err != nil {
		t.Error(err)
	}
}
