package flock_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"bkt/internal/flock"
)

const create = os.O_CREATE | os.O_RDWR

func mustLock(t *testing.T, name string, mode flock.Mode) *os.File {
	t.Helper()
	f, err := flock.Lock(t.Context(), name, create, mode, func() { t.Error("it waits") })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestModes(t *testing.T) {
	for _, test := range []struct {
		held, wanted flock.Mode
		want         error
	}{
		{flock.Exclusive, flock.Exclusive, flock.ErrLocked},
		{flock.Exclusive, flock.Shared, flock.ErrLocked},
		{flock.Shared, flock.Exclusive, flock.ErrLocked},
		{flock.Shared, flock.Shared, nil},
	} {
		name := filepath.Join(t.TempDir(), "lock")
		mustLock(t, name, test.held)
		f, err := flock.TryLock(name, create, test.wanted)
		if err != test.want {
			t.Errorf("%v while %v is held: %v", test.wanted, test.held, err)
		}
		f.Close()
	}
}

func TestLockWaits(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	first := mustLock(t, name, flock.Exclusive)
	second, err := flock.Lock(t.Context(), name, create, flock.Exclusive, func() { first.Close() })
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if _, err := flock.TryLock(name, create, flock.Shared); err != flock.ErrLocked {
		t.Errorf("after the wait: %v", err)
	}
}

// TestCancelledLockIsReleased checks that Lock gives up when its context ends, and
// does not keep a lock that it gets later.
func TestCancelledLockIsReleased(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	first := mustLock(t, name, flock.Exclusive)
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	if _, err := flock.Lock(ctx, name, create, flock.Exclusive, func() { cancel(enough) }); err != enough {
		t.Errorf("error: %v", err)
	}
	first.Close()
	third, err := flock.Lock(t.Context(), name, create, flock.Exclusive, nil)
	if err != nil {
		t.Fatal(err)
	}
	third.Close()
}

func TestLockOfFolder(t *testing.T) {
	dir := t.TempDir()
	f, err := flock.TryLock(dir, os.O_RDONLY, flock.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := flock.TryLock(filepath.Join(dir, "missing"), os.O_RDONLY, flock.Shared); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}
