package engine

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
)

// reserveSize is the space that is needed to start an engine and to delete from
// its cache: both write to databases.
const reserveSize = 64 << 10

// reserveFile returns the file that reserves this space. It is removed to
// delete from the cache: without it, a full disk stays full.
func reserveFile(root string) string { return filepath.Join(root, "reserve") }

// giveUpReserve frees the reserved space on a disk that may be full.
func giveUpReserve(root string) {
	if err := os.Remove(reserveFile(root)); err != nil && !errors.Is(err, os.ErrNotExist) {
		logrus.Warnf("freeing the reserved space: %v", err)
	}
}

// keepReserve reserves the space again, if the disk has it and the file system
// can do that.
func keepReserve(root string) {
	f, err := os.OpenFile(reserveFile(root), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return
	}
	if err == nil {
		err = errors.Join(unix.Fallocate(int(f.Fd()), 0, 0, reserveSize), f.Close())
	}
	if err != nil {
		logrus.Debugf("reserving space: %v", err)
		_ = os.Remove(reserveFile(root))
	}
}
