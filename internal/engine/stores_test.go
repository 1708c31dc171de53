package engine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/engine/contract"

	"github.com/containerd/containerd/v2/core/snapshots"
	containerd "github.com/containerd/containerd/v2/pkg/namespaces"
	"golang.org/x/sys/unix"
)

// TestGarbageGoesFromTheDisk checks that each collection deletes unreferenced files
// from disk, and nothing else.
func TestGarbageGoesFromTheDisk(t *testing.T) {
	for _, name := range []string{contract.Overlay, contract.Native} {
		t.Run(name, func(t *testing.T) {
			s := openTestStores(t, t.TempDir(), name)
			ctx := containerd.WithNamespace(t.Context(), namespace)
			root := snapshots.WithLabels(map[string]string{"containerd.io/gc.root": "yes"})
			_, errKept := s.meta.Snapshotter(name).Prepare(ctx, "kept", "", root)
			_, err := s.meta.Snapshotter(name).Prepare(ctx, "garbage", "")
			if err := errors.Join(errKept, err); err != nil {
				t.Fatal(err)
			}
			if got := len(folders(t, s)); got != 2 {
				t.Fatalf("%d folders, want 2", got)
			}
			if err := s.collectGarbage(ctx); err != nil {
				t.Fatal(err)
			}
			if got := len(folders(t, s)); got != 1 {
				t.Errorf("%d folders are left, want 1", got)
			}
			if _, err := s.meta.Snapshotter(name).Mounts(ctx, "kept"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestStartMovesLeftovers checks that a new engine moves leftovers of others to the
// trash, and deletes them.
func TestStartMovesLeftovers(t *testing.T) {
	for _, name := range []string{contract.Overlay, contract.Native} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			s := openTestStores(t, root, name)
			ctx := containerd.WithNamespace(t.Context(), namespace)
			if _, err := s.meta.Snapshotter(name).Prepare(ctx, "mine", ""); err != nil {
				t.Fatal(err)
			}
			mine := folders(t, s)
			closeStores(s)
			for _, dir := range []string{"1000", "new-1", "rm-2"} {
				fill(t, filepath.Join(s.folders(), dir))
			}
			other := contract.WorkerDir(root, contract.Overlay)
			if name == contract.Overlay {
				other = contract.WorkerDir(root, contract.Native)
			}
			fill(t, other)

			s = openTestStores(t, root, name)
			if got := folders(t, s); len(got) != 1 || got[0] != mine[0] {
				t.Errorf("folders: %v, want %v", got, mine)
			}
			if _, err := os.Lstat(other); err == nil {
				t.Errorf("%s is still there", other)
			}
			if err := s.sweep(ctx); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Lstat(trashDir(root)); err == nil {
				t.Error("the trash is still there")
			}
		})
	}
}

// TestSweepReportsErrors checks that a folder that cannot be removed is an error.
func TestSweepReportsErrors(t *testing.T) {
	for _, name := range []string{contract.Overlay, contract.Native} {
		t.Run(name, func(t *testing.T) {
			s := openTestStores(t, t.TempDir(), name)
			stuck := filepath.Join(s.folders(), "rm-7")
			fill(t, stuck)
			hold(t, filepath.Join(stuck, "fs"))
			err := s.sweep(t.Context())
			if err == nil || !strings.Contains(err.Error(), stuck) {
				t.Errorf("error is %v, want one about %s", err, stuck)
			}
		})
	}
}

// hold makes dir impossible to remove until the test ends.
func hold(t *testing.T, dir string) {
	t.Helper()
	if os.Geteuid() == 0 {
		if err := unix.Mount(t.TempDir(), dir, "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Unmount(dir, 0) })
		return
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir, 0o700) })
}

func openTestStores(t *testing.T, root, name string) stores {
	t.Helper()
	s, err := openStores(root, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStores(s) })
	return s
}

func closeStores(s stores) {
	s.meta.Snapshotter(s.name).Close()
	s.meta.Close()
}

// fill creates a folder with a folder and a file in it.
func fill(t *testing.T, dir string) {
	t.Helper()
	err := errors.Join(
		os.MkdirAll(filepath.Join(dir, "fs"), 0o700),
		os.WriteFile(filepath.Join(dir, "fs", "file"), []byte("text"), 0o600),
	)
	if err != nil {
		t.Fatal(err)
	}
}

func folders(t *testing.T, s stores) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(s.folders())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
