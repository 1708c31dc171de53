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
	"syscall"

	"bkt/internal/flock"
	"bkt/internal/owner"
	"bkt/internal/plan"

	"golang.org/x/sys/unix"
)

// A draft is a file that is not in its place yet. It has no name until it is complete, so
// that a process that is killed while it writes leaves nothing behind. Just before it
// replaces a file, it gets a name that proves that it is a draft.
type draft struct {
	*os.File
	path string // its place
	name string // its path until then; "": none
}

// newDraft creates a file for path, in the same folder. It gets the owner and the mode of
// the file at path. If that does not exist, it gets mode without the umask and, if root
// creates it, the owner of the folder.
func newDraft(path string, mode fs.FileMode) (*draft, error) {
	dir := filepath.Dir(path)
	d := &draft{path: path}
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, uint32(mode.Perm()))
	switch {
	case err == nil:
		d.File = os.NewFile(uintptr(fd), path)
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EISDIR), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS):
		if err := d.openNamed(mode); err != nil {
			return nil, err
		}
	default:
		return nil, &fs.PathError{Op: "open", Path: dir, Err: err}
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
	info, err := os.Stat(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return owner.Give(d.File, filepath.Dir(d.path))
	}
	if err != nil {
		return err
	}
	draft, err := d.Stat()
	if err != nil {
		return err
	}
	is, isKnown := draft.Sys().(*syscall.Stat_t) // in a folder with setgid, its group is that of the folder
	stat, ok := info.Sys().(*syscall.Stat_t)
	if ok && isKnown && (stat.Uid != is.Uid || stat.Gid != is.Gid) {
		if err := d.Chown(int(stat.Uid), int(stat.Gid)); err != nil && os.Geteuid() == 0 {
			return err
		}
	}
	return d.Chmod(info.Mode())
}

// openNamed creates the file on a file system without O_TMPFILE.
func (d *draft) openNamed(mode fs.FileMode) error {
	first := filepath.Join(filepath.Dir(d.path), draftPrefix+rand.Text())
	f, err := os.OpenFile(first, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode.Perm())
	if err != nil {
		return err
	}
	d.File, d.name = f, first
	proof, err := draftName(int(f.Fd()))
	if err == nil {
		proof = filepath.Join(filepath.Dir(d.path), proof)
		err = os.Rename(first, proof)
	}
	if err != nil {
		d.cleanup()
		return err
	}
	d.name = proof
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
	if err := os.Rename(d.name, d.path); err != nil {
		return err
	}
	d.name = ""
	return nil
}

// link gives the file a name.
func (d *draft) link() error {
	if d.name != "" {
		return nil
	}
	proof, err := draftName(int(d.Fd()))
	if err != nil {
		return err
	}
	path := filepath.Join(filepath.Dir(d.path), proof)
	err = unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", d.Fd()), unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
	if err != nil {
		return &fs.PathError{Op: "link", Path: path, Err: err}
	}
	d.name = path
	return nil
}

// cleanup closes the file, and removes it if it is not in its place.
func (d *draft) cleanup() {
	if d.name != "" {
		_ = os.Remove(d.name) // the next bkt that writes there removes it
		d.name = ""
	}
	_ = d.Close()
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

// Abandoned reports whether the file at path is a draft of a killed bkt: its name proves
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
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	name, err := draftName(int(f.Fd()))
	return err == nil && name == filepath.Base(path) && flock.Try(f, flock.Exclusive) == nil
}

// removeStaleTemps removes stale drafts in the folders of the files that changes write. It
// reads each folder once, because it may get thousands of files.
func removeStaleTemps(changes plan.Plan) {
	done := map[string]bool{}
	once := func(dir string) {
		if !done[dir] {
			done[dir] = true
			removeStaleTemp(dir)
		}
	}
	for _, path := range writtenBy(changes) {
		once(filepath.Dir(path))
		if _, err := os.Readlink(path); err != nil {
			continue
		}
		if path, err := target(path); err == nil {
			once(filepath.Dir(path))
		}
	}
}

// writtenBy returns the paths of the files that changes write.
func writtenBy(changes plan.Plan) (paths []string) {
	for _, c := range changes {
		for _, s := range append(c.Steps[:len(c.Steps):len(c.Steps)], c.Undo...) {
			switch s := s.(type) {
			case plan.Write:
				paths = append(paths, s.Path)
			case plan.Overwrite:
				paths = append(paths, s.Path)
			case plan.Fetch:
				paths = append(paths, s.Path)
			case plan.Install:
				paths = append(paths, s.Path, s.Cache)
			case plan.EditKeyFile:
				paths = append(paths, s.Path)
			}
		}
		paths = append(paths, writtenBy(c.Fallback)...)
	}
	return paths
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
			_ = os.Remove(path)
		}
	}
}
