package engine

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
)

// reserveSize is the room that it takes to start an engine and to delete from its
// cache: both write to databases.
const reserveSize = 64 << 10

// reserveFile has no content. It takes room on the disk, which is given up for
// what frees more: without it, a disk that is full stays so.
func reserveFile(root string) string { return filepath.Join(root, "reserve") }

// giveUpReserve makes room on a disk that may be full.
func giveUpReserve(root string) {
	if err := os.Remove(reserveFile(root)); err != nil && !errors.Is(err, os.ErrNotExist) {
		logrus.Warnf("making room: %v", err)
	}
}

// keepReserve takes the room again. Where there is none, or the file system cannot
// do that, there is no reserve.
func keepReserve(root string) {
	f, err := os.OpenFile(reserveFile(root), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return
	}
	if err == nil {
		err = errors.Join(unix.Fallocate(int(f.Fd()), 0, 0, reserveSize), f.Close())
	}
	if err != nil {
		logrus.Debugf("no room in reserve: %v", err)
		_ = os.Remove(reserveFile(root))
	}
}
