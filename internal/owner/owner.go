// Package owner gives files that root creates to the owner of the parent folder.
//
// Otherwise root, as under sudo, would leave files in a user's repository or home that
// the user cannot change. For other users, this package does what package os does.
package owner

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// MkdirAll is like [os.MkdirAll]. Folders that root creates belong to the owner of the
// nearest folder that exists.
func MkdirAll(dir string, mode fs.FileMode) error {
	if os.Geteuid() != 0 {
		return os.MkdirAll(dir, mode)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return os.MkdirAll(dir, mode) // it returns the error
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := MkdirAll(parent, mode); err != nil {
		return err
	}
	if err := os.Mkdir(dir, mode); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return os.MkdirAll(dir, mode) // another process has created it
		}
		return err
	}
	return giveFolder(dir, parent)
}

// MkdirAllIn is like [MkdirAll] for a folder below root, which no symbolic link leaves.
func MkdirAllIn(root *os.Root, dir string, mode fs.FileMode) error {
	if os.Geteuid() != 0 {
		return root.MkdirAll(dir, mode)
	}
	if _, err := root.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return root.MkdirAll(dir, mode) // it returns the error
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := MkdirAllIn(root, parent, mode); err != nil {
		return err
	}
	if err := root.Mkdir(dir, mode); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return root.MkdirAll(dir, mode) // another process has created it
		}
		return err
	}
	f, err := root.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	around, err := root.Open(parent)
	if err != nil {
		return err
	}
	defer around.Close()
	return GiveIn(f, around)
}

// giveFolder gives a folder that root has just created to the owner of parent. That
// owner may have replaced it: anything but a folder of root stays as it is.
func giveFolder(dir, parent string) error {
	fd, err := unix.Open(dir, unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: dir, Err: err}
	}
	f := os.NewFile(uintptr(fd), dir)
	defer f.Close()
	return Give(f, parent)
}

// Give gives a file or folder that root has just created to the owner of dir.
func Give(f *os.File, dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	var around unix.Stat_t
	if err := unix.Stat(dir, &around); err != nil {
		return err
	}
	return giveTo(f, around)
}

// GiveIn is like [Give] for an open folder.
func GiveIn(f, dir *os.File) error {
	if os.Geteuid() != 0 {
		return nil
	}
	var around unix.Stat_t
	if err := unix.Fstat(int(dir.Fd()), &around); err != nil {
		return err
	}
	return giveTo(f, around)
}

// giveTo gives a file of root to the owner in around.
func giveTo(f *os.File, around unix.Stat_t) error {
	var is unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &is); err != nil {
		return err
	}
	if around.Uid == 0 || is.Uid != 0 {
		return nil
	}
	return f.Chown(int(around.Uid), int(around.Gid))
}

// GiveTree gives all files and folders of root in dir to the owner of dir's parent. Links
// and special files, and files with several hard links, stay as they are.
func GiveTree(dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	var around unix.Stat_t
	parent := filepath.Dir(filepath.Clean(dir))
	if err := unix.Stat(parent, &around); err != nil {
		return &fs.PathError{Op: "stat", Path: parent, Err: err}
	}
	if around.Uid == 0 {
		return nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() && !d.Type().IsRegular() {
			return err
		}
		return give(root, name, around)
	})
}

// give gives one file or folder of root in root to the owner in around.
func give(root *os.Root, name string, around unix.Stat_t) error {
	f, err := root.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	var is unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &is); err != nil {
		return err
	}
	linked := is.Mode&unix.S_IFMT == unix.S_IFREG && is.Nlink > 1
	if is.Uid != 0 || linked {
		return nil
	}
	return f.Chown(int(around.Uid), int(around.Gid))
}
