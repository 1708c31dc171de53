package reconcile

import (
	"errors"
	"io/fs"
	"syscall"
)

// IsAbsent reports whether an error is that there is no such file or folder. All
// others mean that it is not known whether there is one.
func IsAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
