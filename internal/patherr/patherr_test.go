package patherr_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"

	"bkt/internal/hint"
	"bkt/internal/patherr"
)

var (
	openError   = &fs.PathError{Op: "open", Path: "/x", Err: fs.ErrPermission}
	renameError = &os.LinkError{Op: "rename", Old: "/tmp", New: "/y", Err: fs.ErrExist}
	errOther    = errors.New("something else")
)

func TestTrimOp(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{openError, "/x: permission denied"},
		{renameError, "/y: file already exists"},
		{errOther, "something else"},
		{fmt.Errorf("reading: %w", openError), "reading: /x: permission denied"},
		{errors.Join(openError, errOther, renameError), "/x: permission denied\nsomething else\n/y: file already exists"},
		{fmt.Errorf("%w, and %w", openError, errOther), "/x: permission denied, and something else"},
	} {
		got := patherr.TrimOp(test.err)
		if got.Error() != test.want || !errors.Is(got, test.err) && hint.Split(test.err)[0] == test.err {
			t.Errorf("%v: %v, want %s", test.err, got, test.want)
		}
	}
	if err := patherr.TrimOp(nil); err != nil {
		t.Errorf("nil: %v", err)
	}
}

func TestTrimOpKeepsWhatIsAskedOfErrors(t *testing.T) {
	err := patherr.TrimOp(errors.Join(errOther, hint.Add(openError, "run chmod")))
	if parts := hint.Split(err); len(parts) != 2 || len(hint.Of(parts[1])) != 1 {
		t.Errorf("parts: %v", parts)
	}
	if !errors.Is(err, fs.ErrPermission) || !errors.Is(err, errOther) {
		t.Errorf("error: %v", err)
	}
}

func TestReason(t *testing.T) {
	for _, test := range []struct{ err, want error }{
		{openError, fs.ErrPermission},
		{renameError, fs.ErrExist},
		{fmt.Errorf("reading: %w", openError), fs.ErrPermission},
		{errOther, errOther},
		{nil, nil},
	} {
		if got := patherr.Reason(test.err); got != test.want {
			t.Errorf("%v: %v, want %v", test.err, got, test.want)
		}
	}
}
