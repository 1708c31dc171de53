// Package patherr reads errors about files and folders.
package patherr

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Trim removes the name of the system call from the error of a file operation:
// "open x: permission denied" becomes "x: permission denied". Other errors stay
// as they are.
func Trim(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s: %w", e.Path, e.Err)
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return fmt.Errorf("%s: %w", e.New, e.Err)
	}
	return err
}

// IsMissing reports whether err says that a file or folder does not exist. Any
// other error leaves unknown whether it does.
func IsMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// UnlessMissing returns nil if err says that a file or folder does not exist, and
// err otherwise.
func UnlessMissing(err error) error {
	if IsMissing(err) {
		return nil
	}
	return err
}
