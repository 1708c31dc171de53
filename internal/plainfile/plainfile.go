// Package plainfile reads files that may be something else: a pipe or a device, which
// would never end, or a file that is too large to hold in memory.
package plainfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// MaxText is the limit, in bytes, of a text that bkt parses. The largest that people
// have, such as a captured dconf database, has some hundred kilobytes.
const MaxText = 16 << 20

// MaxContainerfile is the limit, in bytes, of a Containerfile, a template and an ignore file.
// Those that people have are below 100 kB, and a Containerfile with 10,000 packages has 300
// kB. BuildKit's parser needs some twenty times the size of a Containerfile in memory.
const MaxContainerfile = 1 << 20

// readTimeout is how long a file may have nothing to read: files in /proc, such as kmsg, can
// be regular and still wait for something to happen.
const readTimeout = time.Second

// ErrNotPlain is the error of what is neither a file nor a folder.
var ErrNotPlain = errors.New("neither a file nor a folder")

// Open opens a file or folder for reading, as [os.Open] does. Anything else, such as a
// pipe, is ErrNotPlain in an [fs.PathError]; Open never waits. /dev/null counts as a file: it
// is empty, and the usual way to switch a file off.
func Open(path string) (*os.File, error) {
	return check(os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0))
}

// OpenIn is like [Open] for a file below root, which symbolic links cannot leave.
func OpenIn(root *os.Root, name string) (*os.File, error) {
	return check(root.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0))
}

// check closes what was opened if it is not plain.
func check(f *os.File, err error) (*os.File, error) {
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() && !isNull(info) {
		err = &fs.PathError{Op: "open", Path: f.Name(), Err: ErrNotPlain}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// isNull reports whether a file is /dev/null, whose device number the kernel's
// devices.txt has.
func isNull(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && info.Mode()&fs.ModeCharDevice != 0 && st.Rdev == unix.Mkdev(1, 3)
}

// Read reads a file of at most limit bytes. A larger file is an error that names the
// limit. All errors are an [fs.PathError].
func Read(path string, limit int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadAll(f, path, limit)
}

// ReadAll reads the rest of an open file, which errors call path, as [Read] does.
func ReadAll(f fs.File, path string, limit int64) ([]byte, error) {
	var text bytes.Buffer
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		if err := CheckSize(path, info.Size(), limit); err != nil {
			return nil, err
		}
		text.Grow(int(info.Size()) + bytes.MinRead) // so that one read gets it, and another one finds the end
	}
	if d, ok := f.(interface{ SetReadDeadline(time.Time) error }); ok {
		_ = d.SetReadDeadline(time.Now().Add(readTimeout)) // not possible where reads never wait
	}
	_, err := text.ReadFrom(io.LimitReader(f, limit+1))
	switch pathErr, ok := errors.AsType[*fs.PathError](err); {
	case ok:
		return nil, &fs.PathError{Op: "read", Path: path, Err: pathErr.Err}
	case err != nil:
		return nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	if err := CheckSize(path, int64(text.Len()), limit); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

// CheckSize returns the error of [Read] for a file that has more bytes than limit.
func CheckSize(path string, bytes, limit int64) error {
	if bytes <= limit {
		return nil
	}
	return &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("larger than %s, the limit", size(limit))}
}

// size returns a number of bytes for people.
func size(n int64) string {
	for _, unit := range []struct {
		bytes int64
		name  string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= unit.bytes {
			return fmt.Sprintf("%d %s", n/unit.bytes, unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
