// Package patherr rewrites the errors of packages os and io/fs for users, who do
// not care which system call failed.
package patherr

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// TrimOp drops the name of the system call: "open x: permission denied" becomes
// "x: permission denied". Of a call with two paths, such as rename, the new path
// stays. So do the text around such an error, hints, and each of joined errors.
func TrimOp(err error) error {
	if parts, ok := split(err); ok {
		for i, part := range parts {
			parts[i] = TrimOp(part)
		}
		return errors.Join(parts...)
	}
	full, short := find(err)
	if full == "" {
		return err
	}
	return &trimmed{strings.Replace(err.Error(), full, short, 1), err}
}

// split returns the errors that [errors.Join] joined into err.
func split(err error) ([]error, bool) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || err.Error() != errors.Join(joined.Unwrap()...).Error() {
		return nil, false
	}
	return append([]error(nil), joined.Unwrap()...), true
}

// find returns the text of the path error in err, with and without the system
// call; empty if err contains none.
func find(err error) (full, short string) {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Error(), e.Path + ": " + e.Err.Error()
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Error(), e.New + ": " + e.Err.Error()
	}
	return "", ""
}

// trimmed is an error with a shorter text.
type trimmed struct {
	text string
	err  error
}

func (t *trimmed) Error() string { return t.text }
func (t *trimmed) Unwrap() error { return t.err }

// Reason returns the reason of an error, without the system call and the path, for a
// message that names the file itself: "permission denied". An error that is not about a
// path is returned unchanged.
func Reason(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
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
