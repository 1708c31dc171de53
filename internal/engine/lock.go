package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"bkt/internal/engine/contract"
	"bkt/internal/flock"
	"bkt/internal/hint"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"
)

// A heldError says that another engine holds the root.
type heldError struct {
	root string
	pid  string
}

func (e *heldError) Error() string {
	return fmt.Sprintf("%s: in use by another engine (pid %s)", e.root, e.pid)
}

// lock takes the lock of root, and writes the number of this process to its
// file. It does not wait: BuildKit's own locks would, silently and for ever.
func lock(root string) (*os.File, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, patherr.TrimOp(err)
	}
	if err := checkRoot(root); err != nil {
		return nil, err
	}
	name := contract.LockFile(root)
	f, err := flock.TryLock(name, os.O_CREATE|os.O_RDWR, flock.Exclusive)
	switch {
	case errors.Is(err, flock.ErrLocked):
		return nil, held(root)
	case err != nil:
		return nil, patherr.TrimOp(err)
	}
	giveUpReserve(root)
	if err := errors.Join(f.Truncate(0), writeAt(f, strconv.Itoa(os.Getpid()))); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// checkRoot returns an error if root has files of others: an engine removes
// files there by their names. The file of the lock, which stays, shows that the
// folder is an engine's.
func checkRoot(root string) error {
	entries, err := os.ReadDir(root)
	other := ""
	for _, e := range entries {
		switch e.Name() {
		case filepath.Base(contract.LockFile(root)):
			return nil
		case "start.lock", "start.log": // of the client that starts the engine
		default:
			other = e.Name()
		}
	}
	if other != "" {
		return hint.Add(fmt.Errorf("%s: not the folder of an engine: it holds %s", root, other), "name a folder that is empty or does not exist")
	}
	return patherr.TrimOp(err)
}

func writeAt(f *os.File, s string) error {
	_, err := f.WriteAt([]byte(s), 0)
	return err
}

func held(root string) error {
	pid, err := plainfile.Read(contract.LockFile(root), plainfile.MaxText)
	if err != nil || len(pid) == 0 {
		pid = []byte("unknown")
	}
	return &heldError{root: root, pid: strings.TrimSpace(string(pid))}
}
