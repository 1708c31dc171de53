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
)

// heldError says that another engine has the root.
type heldError struct {
	root string
	pid  string
}

func (e *heldError) Error() string {
	return fmt.Sprintf("%s: in use by another engine (pid %s)", e.root, e.pid)
}

// lock takes the lock of root and leaves in its file which process did so. It
// does not wait: BuildKit's own locks would, silently and for ever.
func lock(root string) (*os.File, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, err
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
		return nil, err
	}
	giveUpReserve(root)
	if err := errors.Join(f.Truncate(0), writeAt(f, strconv.Itoa(os.Getpid()))); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// checkRoot returns an error if root is a folder of someone else's: what is called
// like what an engine has left that was killed is removed there. The lock, which
// stays, says that an engine has had it before.
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
		return hint.Add(fmt.Errorf("%s: is no folder of an engine: it holds %s", root, other), "name an empty folder, or one that does not exist yet")
	}
	return err
}

func writeAt(f *os.File, s string) error {
	_, err := f.WriteAt([]byte(s), 0)
	return err
}

func held(root string) error {
	pid, err := os.ReadFile(contract.LockFile(root))
	if err != nil || len(pid) == 0 {
		pid = []byte("unknown")
	}
	return &heldError{root: root, pid: strings.TrimSpace(string(pid))}
}
