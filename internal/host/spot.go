package host

import (
	"io/fs"
	"os"
	"path/filepath"

	"bkt/internal/confine"
	"bkt/internal/hint"
	"bkt/internal/owner"

	"golang.org/x/sys/unix"
)

// A spot is the place of a file to write: its open folder, and its path.
type spot struct {
	dir  *os.File // opened with O_PATH
	path string
}

func (s spot) fd() int      { return int(s.dir.Fd()) }
func (s spot) base() string { return filepath.Base(s.path) }

// rename renames a file in the folder.
func (s spot) rename(from, to string) error {
	if err := uninterrupted(func() error { return unix.Renameat(s.fd(), from, s.fd(), to) }); err != nil {
		dir := filepath.Dir(s.path)
		return &os.LinkError{Op: "rename", Old: filepath.Join(dir, from), New: filepath.Join(dir, to), Err: err}
	}
	return nil
}

// locate returns the spot of the file that links at path lead to, which must be in one of
// the folders within, unless that is nil. It is an error if root would follow a link of a
// user to a file of another user.
func locate(path string, within []string) (spot, error) {
	if within == nil {
		real, err := followed(path)
		if err != nil {
			return spot{}, err
		}
		dir, err := openFolder(filepath.Dir(real))
		return spot{dir, real}, err
	}
	at, err := findWithin(path, within)
	if err != nil {
		return spot{}, err
	}
	if err := mayFollow(path, at.Path()); err != nil {
		return spot{}, err
	}
	root, err := os.OpenRoot(at.Folder)
	if err != nil {
		return spot{}, err
	}
	defer root.Close()
	dir, err := root.OpenFile(filepath.Dir(at.Name), unix.O_PATH|unix.O_DIRECTORY, 0)
	return spot{dir, at.Path()}, err
}

// openat opens a file in the folder.
func (s spot) openat(name string, flags int, mode fs.FileMode) (fd int, err error) {
	err = uninterrupted(func() error {
		fd, err = unix.Openat(s.fd(), name, flags|unix.O_CLOEXEC, uint32(mode.Perm()))
		return err
	})
	return fd, err
}

// openFolder opens a folder for writing files in it.
func openFolder(dir string) (*os.File, error) {
	return os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
}

// findWithin returns where links at path lead. The first of the folders is above path.
func findWithin(path string, within []string) (confine.Place, error) {
	folder, name, err := confine.Within(within, path)
	if err != nil {
		return confine.Place{}, err
	}
	return folder.Find(name)
}

// mayFollow returns an error if root would follow a link of a user at path to a file of
// another user, real.
func mayFollow(path, real string) error {
	return hint.Add(owner.CheckLinks(path, real), "run it as that user, without sudo")
}

// makeFolderWithin creates the folder of a file, in one of the folders within.
func makeFolderWithin(path string, within []string, mode fs.FileMode) error {
	if err := owner.MkdirAll(within[0], mode); err != nil {
		return err
	}
	at, err := findWithin(filepath.Dir(path), within)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(at.Folder)
	if err != nil {
		return err
	}
	defer root.Close()
	return owner.MkdirAllIn(root, at.Name, mode)
}
