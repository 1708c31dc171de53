// Package flock locks files and folders with flock(2). A lock lasts until its file is
// closed, so the kernel releases it when the process ends in any way, and no file
// remains.
package flock

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// A Mode says who else may hold the lock at the same time.
type Mode int

// The modes.
const (
	Exclusive Mode = unix.LOCK_EX // nobody
	Shared    Mode = unix.LOCK_SH // others with a shared lock
)

// ErrLocked says that somebody else holds the lock.
var ErrLocked = errors.New("locked by another process")

// Lock opens name with flag (see [os.OpenFile]) and waits for its lock. It calls
// waiting, which may be nil, before it waits. If ctx ends first, Lock returns its
// cause. Only the user can read a file that flag creates.
func Lock(ctx context.Context, name string, flag int, mode Mode, waiting func()) (*os.File, error) {
	f, err := os.OpenFile(name, flag|unix.O_NONBLOCK, 0o600) // a pipe would wait
	if err != nil {
		return nil, err
	}
	return LockFile(ctx, f, mode, waiting)
}

// LockFile is like [Lock] for an open file, which it closes if there is an error.
func LockFile(ctx context.Context, f *os.File, mode Mode, waiting func()) (*os.File, error) {
	err := Try(f, mode)
	if !errors.Is(err, ErrLocked) {
		return keep(f, err)
	}
	if waiting != nil {
		waiting()
	}
	// flock(2) cannot be interrupted. If ctx ends, the goroutine keeps the file and
	// closes it once flock returns.
	done := make(chan error, 1)
	go func() { done <- lock(f, int(mode)) }()
	select {
	case err := <-done:
		return keep(f, err)
	case <-ctx.Done():
		go func() { <-done; f.Close() }()
		return nil, context.Cause(ctx)
	}
}

// TryLock is like [Lock] but does not wait: it returns [ErrLocked].
func TryLock(name string, flag int, mode Mode) (*os.File, error) {
	f, err := os.OpenFile(name, flag|unix.O_NONBLOCK, 0o600) // a pipe would wait
	if err != nil {
		return nil, err
	}
	return TryFile(f, mode)
}

// TryFile is like [LockFile] but does not wait: it returns [ErrLocked].
func TryFile(f *os.File, mode Mode) (*os.File, error) { return keep(f, Try(f, mode)) }

// Try locks an open file, or returns [ErrLocked] if somebody else holds the lock.
func Try(f *os.File, mode Mode) error { return lock(f, int(mode)|unix.LOCK_NB) }

// lock calls flock(2) until no signal interrupts it.
func lock(f *os.File, how int) error {
	fd := int(f.Fd())
	err := unix.Flock(fd, how)
	for errors.Is(err, unix.EINTR) {
		err = unix.Flock(fd, how)
	}
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return ErrLocked
	case err != nil:
		return &fs.PathError{Op: "lock", Path: f.Name(), Err: err}
	}
	return nil
}

// keep returns f, or closes it if there is an error.
func keep(f *os.File, err error) (*os.File, error) {
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
