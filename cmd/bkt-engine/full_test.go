package main_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"bkt/internal/engine/contract"
	"bkt/internal/testkit"

	"golang.org/x/sys/unix"
)

// TestFullDisk checks that prune works on a full disk, with an engine that runs, and
// with one that starts for it.
func TestFullDisk(t *testing.T) {
	testkit.NeedRoot(t, "have a disk of its own")
	for _, snapshotter := range []string{contract.Overlay, contract.Native} {
		t.Run(snapshotter, func(t *testing.T) {
			d := tenant{snapshotter: snapshotter, data: 1_000_000}.moveIn(t)
			root := d.config().Root
			if err := os.Mkdir(root, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := unix.Mount("none", root, "tmpfs", 0, "size=40m"); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { unix.Unmount(root, unix.MNT_DETACH) })
			reserve := filepath.Join(root, "reserve")
			full := filepath.Join(root, "full")
			d.start(t)
			for _, running := range []bool{true, false} {
				d.mustBuildImage(t, 1)
				d.awaitIdle(t) // prune keeps records that a build uses
				eventually(t, "there is a reserve", func() bool { _, err := os.Stat(reserve); return err == nil })
				if !running {
					d.ask(t, "stop")
				}
				fill(t, full)
				if !running {
					d.start(t)
				}
				d.ask(t, "prune") // an engine that has seen the full disk may already have freed all
				if err := os.Remove(full); err != nil {
					t.Fatal(err)
				}
				d.checkEmpty(t, fmt.Sprintf("running before the prune: %v", running))
			}
		})
	}
}

// fill writes to a file until its disk is full.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err == nil {
		_, err = io.Copy(f, zeros{})
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// zeros reads as zeros without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
