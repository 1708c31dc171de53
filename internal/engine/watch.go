package engine

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// watch stops the listener early if its socket is removed, as happens in a
// user's runtime folder when the user logs out: no client can connect any more,
// and a new engine would find the root in use.
func (l *idleListener) watch() error {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("inotify_init1", err)
	}
	// Removing a name changes the number of links, which is an attribute.
	if _, err := unix.InotifyAddWatch(fd, l.path, unix.IN_ATTRIB|unix.IN_MOVE_SELF|unix.IN_DELETE_SELF); err != nil {
		unix.Close(fd)
		return &os.PathError{Op: "watch", Path: l.path, Err: err}
	}
	go func() {
		defer unix.Close(fd)
		event := make([]byte, unix.SizeofInotifyEvent+unix.NAME_MAX+1)
		for {
			if _, err := unix.Read(fd, event); err != nil && !errors.Is(err, unix.EINTR) {
				return
			}
			if _, err := os.Lstat(l.path); errors.Is(err, fs.ErrNotExist) {
				l.hurry()
				return
			}
		}
	}()
	return nil
}

// hurry stops the listener as soon as it has no connection.
func (l *idleListener) hurry() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.after = 0
	if l.conns == 0 && !l.left {
		l.timer.Reset(0)
	}
}
