package host

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"bkt/internal/flock"
	"bkt/internal/owner"
	"bkt/internal/plainfile"

	"golang.org/x/sys/unix"
)

// A draft is a file that is not in its place yet. It has no name until it is complete, so
// that a process that is killed while it writes leaves nothing behind. Just before it
// replaces a file, it gets a name that proves that it is a draft.
type draft struct {
	*os.File
	spot
	temp string // its name in the folder until it is in its place; "": none
}

// newDraft creates a file for path, in the same folder.
func newDraft(path string, mode fs.FileMode) (*draft, error) {
	dir, err := openFolder(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	return spot{dir, path}.draft(mode)
}

// draft creates a file in the folder of the spot. It gets the owner and the mode of the file
// there. If that does not exist, it gets mode without the umask and, if root creates it, the
// owner of the folder.
func (s spot) draft(mode fs.FileMode) (*draft, error) {
	d := &draft{spot: s}
	fd, err := s.openat(".", unix.O_TMPFILE|unix.O_RDWR, mode)
	switch {
	case err == nil:
		d.File = os.NewFile(uintptr(fd), s.path)
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EISDIR), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS):
		if err := d.openNamed(mode); err != nil {
			s.dir.Close()
			return nil, err
		}
	default:
		s.dir.Close()
		return nil, &fs.PathError{Op: "open", Path: filepath.Dir(s.path), Err: err}
	}
	if err := errors.Join(flock.Try(d.File, flock.Exclusive), d.belong()); err != nil {
		d.cleanup()
		return nil, err
	}
	return d, nil
}

// belong gives the file its owner, and the mode of the file that it replaces. Only
// root can give files away.
func (d *draft) belong() error {
	var old, is unix.Stat_t
	err := unix.Fstatat(d.fd(), d.base(), &old, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return owner.GiveIn(d.File, d.dir)
	}
	if err == nil && old.Mode&unix.S_IFMT != unix.S_IFREG && old.Mode&unix.S_IFMT != unix.S_IFDIR {
		err = plainfile.ErrNotPlain // a device, for example, which the file would replace
	}
	if err != nil {
		return &fs.PathError{Op: "stat", Path: d.path, Err: err}
	}
	if err := unix.Fstat(int(d.Fd()), &is); err != nil { // in a folder with setgid, its group is that of the folder
		return &fs.PathError{Op: "stat", Path: d.path, Err: err}
	}
	if old.Uid != is.Uid || old.Gid != is.Gid {
		if err := d.Chown(int(old.Uid), int(old.Gid)); err != nil && os.Geteuid() == 0 {
			return err
		}
	}
	if err := uninterrupted(func() error { return unix.Fchmod(int(d.Fd()), old.Mode&allModes) }); err != nil {
		return &fs.PathError{Op: "chmod", Path: d.path, Err: err}
	}
	return nil
}

// allModes are the permissions of a file, with setuid, setgid and the sticky bit.
const allModes = 0o7777

// openNamed creates the file on a file system without O_TMPFILE.
func (d *draft) openNamed(mode fs.FileMode) error {
	first := draftPrefix + rand.Text()
	fd, err := d.openat(first, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, mode)
	if err != nil {
		return &fs.PathError{Op: "open", Path: d.path, Err: err}
	}
	d.File, d.temp = os.NewFile(uintptr(fd), d.path), first
	proof, err := draftName(fd)
	if err == nil {
		err = d.rename(first, proof)
	}
	if err != nil {
		d.cleanup()
		return err
	}
	d.temp = proof
	return nil
}

// put moves the file to its place.
func (d *draft) put() error {
	defer d.cleanup()
	if err := d.Sync(); err != nil {
		return err
	}
	if err := d.link(); err != nil {
		return err
	}
	if err := d.rename(d.temp, d.base()); err != nil {
		return err
	}
	d.temp = ""
	return nil
}

// link gives the file a name.
func (d *draft) link() error {
	if d.temp != "" {
		return nil
	}
	proof, err := draftName(int(d.Fd()))
	if err != nil {
		return err
	}
	err = uninterrupted(func() error {
		return unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", d.Fd()), d.fd(), proof, unix.AT_SYMLINK_FOLLOW)
	})
	if err != nil {
		return &fs.PathError{Op: "link", Path: filepath.Join(filepath.Dir(d.path), proof), Err: err}
	}
	d.temp = proof
	return nil
}

// cleanup closes the file, and removes it if it is not in its place.
func (d *draft) cleanup() {
	if d.temp != "" {
		_ = uninterrupted(func() error { return unix.Unlinkat(d.fd(), d.temp, 0) }) // the next bkt that writes there removes it
		d.temp = ""
	}
	_ = d.Close()
	_ = d.dir.Close()
}

// draftPrefix is the beginning of the names of drafts.
const draftPrefix = ".bkt-tmp-"

// draftName returns the name of a file as a draft. It is computed from the inode and the
// creation time, so that no other file has it, not even a copy.
func draftName(fd int) (string, error) {
	var st unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_INO|unix.STATX_BTIME, &st); err != nil {
		return "", os.NewSyscallError("statx", err)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "bkt draft %d %d.%09d", st.Ino, st.Btime.Sec, st.Btime.Nsec))
	return draftPrefix + hex.EncodeToString(sum[:16]), nil
}

// Abandoned reports whether the file or folder at path is a draft of a killed bkt: its name proves
// that it is a draft, and it is not locked by a writer.
func Abandoned(path string) bool {
	if !strings.HasPrefix(filepath.Base(path), draftPrefix) {
		return false
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() && !info.IsDir() {
		return false
	}
	name, err := draftName(int(f.Fd()))
	return err == nil && name == filepath.Base(path) && flock.Try(f, flock.Exclusive) == nil
}

// removeStaleTemps removes stale drafts in the folders of the files that are written. It
// reads each folder once, because it may get thousands of files.
func removeStaleTemps(files []touched) {
	done := map[string]bool{}
	for _, t := range files {
		for _, path := range t.paths {
			if dir := filepath.Dir(path); t.isDraft && !done[dir] {
				done[dir] = true
				removeStaleTemp(dir)
			}
		}
	}
}

// followedBy returns path and the path that links at it lead to. If links may not lead
// anywhere, it returns only the latter.
func followedBy(path string, within []string) []string {
	if within != nil {
		at, err := findWithin(path, within)
		if err != nil {
			return nil
		}
		return []string{at.Path()}
	}
	if _, err := os.Readlink(path); err != nil {
		return []string{path}
	}
	real, err := target(path)
	if err != nil {
		return []string{path}
	}
	return []string{path, real}
}

// removeStaleTemp removes drafts of killed bkts in a folder. Files that cannot be read or
// removed stay, which does no harm.
func removeStaleTemp(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if path := filepath.Join(dir, e.Name()); Abandoned(path) {
			_ = os.RemoveAll(path) // a folder of an archive, too
		}
	}
}
