package engine

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"bkt/internal/engine/contract"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// An engine does not wait for the disk: neither BuildKit nor what runs in its
// containers. Together they ask for it hundreds of times in a build, so that the
// cache outlasts a loss of power, and it is only a cache. Should the machine go
// down all the same, nothing of what was there can be relied on. So a file says,
// for as long as that may be, in which boot of the machine an engine was started.
func unsyncedFile(root string) string { return filepath.Join(root, "unsynced") }

// bootFile is where the kernel has the name of this boot of the machine.
const bootFile = "/proc/sys/kernel/random/boot_id"

// asideDir is where the cache is put that cannot be relied on. It may be large,
// and is removed while the engine works.
func asideDir(root string) string { return filepath.Join(root, "aside") }

// runUnsynced has this process and its children not wait for the disk. Where
// that cannot be had or noted down they do wait, and all is only slower.
func runUnsynced(root string) error {
	boot, err := os.ReadFile(bootFile)
	if err != nil {
		return nil
	}
	if err := putAside(root, boot); err != nil {
		return err
	}
	go os.RemoveAll(asideDir(root))
	if note(root, boot) == nil && stopSyncing() != nil {
		return synced(root)
	}
	return nil
}

// putAside puts the cache aside if an engine was at work on it when the machine
// went down.
func putAside(root string, boot []byte) error {
	before, err := os.ReadFile(unsyncedFile(root))
	if errors.Is(err, fs.ErrNotExist) || bytes.Equal(before, boot) {
		return nil // in the same boot, the kernel has what is not on the disk
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(asideDir(root), 0o700); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(asideDir(root), "")
	if err != nil {
		return err
	}
	for _, name := range cached(root) {
		err := os.Rename(name, filepath.Join(dir, filepath.Base(name)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// cached is where the cache is.
func cached(root string) []string {
	return []string{
		contract.WorkerDir(root, contract.Overlay), contract.WorkerDir(root, contract.Native),
		cacheFile(root), historyFile(root),
	}
}

// note notes down, on the disk itself, that the rest may not be there.
func note(root string, boot []byte) error {
	if err := renameio.WriteFile(unsyncedFile(root), boot, 0o600); err != nil {
		return err
	}
	dir, err := os.Open(root)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// synced waits until all is on the disk after all, which it mostly is by the time
// that an engine ends. It is for a process that can wait.
func synced(root string) error {
	if _, err := os.Lstat(unsyncedFile(root)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	dir, err := os.Open(root)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := unix.Syncfs(int(dir.Fd())); err != nil {
		return os.NewSyscallError("syncfs", err)
	}
	return os.Remove(unsyncedFile(root))
}
