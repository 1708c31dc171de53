package contract

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// Usage is the space that a folder takes on the disk.
type Usage struct {
	Bytes      int64
	Unreadable int // folders that the user cannot read: Bytes lacks their content
}

// Measure returns the space that dir takes on the disk, like du(1): blocks, not
// lengths, and a file with several names once. It does not count mounts in dir
// and the folders in except. A missing dir takes no space.
//
// Files may be created and deleted meanwhile. Errors other than missing files
// and missing permissions are returned.
func Measure(dir string, except ...string) (Usage, error) {
	m := meter{except: except, seen: map[file]bool{}}
	err := m.add(unix.AT_FDCWD, dir, dir)
	return m.total, err
}

// A meter adds up sizes.
type meter struct {
	except []string
	seen   map[file]bool // files with several names
	total  Usage
}

// A file identifies a file with any of its names.
type file struct {
	major, minor uint32
	inode        uint64
}

// add counts the file called name in the open folder parent; path is its whole
// path.
func (m *meter) add(parent int, name, path string) error {
	var s unix.Statx_t
	err := unix.Statx(parent, name, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BASIC_STATS, &s)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &fs.PathError{Op: "statx", Path: path, Err: err}
	}
	top := parent == unix.AT_FDCWD
	if !top && s.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0 || slices.Contains(m.except, path) {
		return nil
	}
	folder := s.Mode&unix.S_IFMT == unix.S_IFDIR
	if !folder && s.Nlink > 1 {
		f := file{s.Dev_major, s.Dev_minor, s.Ino}
		if m.seen[f] {
			return nil
		}
		m.seen[f] = true
	}
	m.total.Bytes += int64(s.Blocks) * 512
	if !folder {
		return nil
	}
	return m.addContent(parent, name, path)
}

// addContent counts the content of a folder.
func (m *meter) addContent(parent int, name, path string) error {
	fd, err := unix.Openat(parent, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, fs.ErrPermission):
		if !isWorkspace(path) {
			m.total.Unreadable++
		}
		return nil
	case err != nil:
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, name := range names {
		if err := m.add(fd, name, path+"/"+name); err != nil {
			return err
		}
	}
	return nil
}

// isWorkspace reports whether path is the folder that the kernel creates as the
// workspace of an overlay. Only root can read it, and it is empty unless the
// overlay is mounted.
func isWorkspace(path string) bool {
	return filepath.Base(path) == "work" && filepath.Base(filepath.Dir(path)) == "work"
}
