package engine

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"bkt/internal/engine/contract"

	"golang.org/x/sys/unix"
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
	name := contract.LockFile(root)
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		err = errors.Join(f.Truncate(0), writeAt(f, strconv.Itoa(os.Getpid())))
	}
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, held(root)
	}
	return nil, fmt.Errorf("%s: %w", name, err)
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
