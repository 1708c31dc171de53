package host

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"bkt/internal/flock"
	"bkt/internal/owner"
	"bkt/internal/patherr"
	"bkt/internal/plan"

	"golang.org/x/sys/unix"
)

// maxFiles is the maximum number of files in an archive.
const maxFiles = 10000

// unzip unpacks an archive into a new folder, which then replaces the old one.
func unzip(ctx context.Context, u plan.Unzip) error {
	defer os.Remove(u.Archive)
	parent := filepath.Dir(u.Dir)
	if err := owner.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	temp, lock, err := draftFolder(parent)
	if err != nil {
		return err
	}
	defer lock.Close()
	defer os.RemoveAll(temp)
	if err := unpack(u.Archive, temp, u.Limit); err != nil {
		return fmt.Errorf("the archive: %w", err)
	}
	for _, e := range u.Expect {
		if err := checkExpectation(os.DirFS(temp), e); err != nil {
			return fmt.Errorf("the archive: %w", err)
		}
	}
	if err := compile(ctx, u, temp); err != nil {
		return err
	}
	if err := errors.Join(os.Chmod(temp, 0o755), owner.GiveTree(temp), syncTree(temp)); err != nil {
		return err
	}
	return replace(temp, u.Dir)
}

// draftFolder creates a folder with a name that proves that it is a draft, until lock is
// closed.
func draftFolder(parent string) (path string, lock *os.File, err error) {
	first, err := os.MkdirTemp(parent, draftPrefix)
	if err != nil {
		return "", nil, err
	}
	lock, err = flock.TryLock(first, os.O_RDONLY, flock.Exclusive)
	if err != nil {
		return "", nil, errors.Join(err, os.Remove(first))
	}
	proof, err := draftName(int(lock.Fd()))
	path = filepath.Join(parent, proof)
	if err == nil {
		err = os.Rename(first, path)
	}
	if err != nil {
		lock.Close()
		_ = os.Remove(first)
	}
	return path, lock, err
}

// unpack unpacks regular files and folders into dir. Other entries, and paths out of dir, are
// errors.
func unpack(archive, dir string, limit int64) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer z.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if len(z.File) > maxFiles {
		return fmt.Errorf("has more than %d files", maxFiles)
	}
	for _, f := range z.File {
		n, err := extract(root, f, limit)
		if err != nil {
			return fmt.Errorf("%q: %w", f.Name, patherr.Reason(err))
		}
		limit -= n
	}
	return nil
}

// extract extracts a file, and returns its size in bytes.
func extract(root *os.Root, f *zip.File, limit int64) (int64, error) {
	name := strings.TrimSuffix(f.Name, "/")
	switch mode := f.Mode(); {
	case !filepath.IsLocal(name) || strings.Contains(name, `\`):
		return 0, errors.New("leads out of the folder")
	case mode.IsDir():
		return 0, root.MkdirAll(name, 0o755)
	case !mode.IsRegular():
		return 0, errors.New("is neither a file nor a folder")
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return 0, err
	}
	from, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer from.Close()
	to, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644|f.Mode().Perm()&0o111)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(to, io.LimitReader(from, limit+1))
	if n > limit {
		err = errors.New("is too large, together with the other files")
	}
	return n, errors.Join(err, to.Close())
}

// compile runs the command if there are files for it.
func compile(ctx context.Context, u plan.Unzip, dir string) error {
	if u.Pattern == "" {
		return nil
	}
	files, err := fs.Glob(os.DirFS(dir), u.Pattern)
	if err != nil || len(files) == 0 {
		return err
	}
	_, _, err = outputs(ctx, plan.Run{Argv: u.Command, Dir: filepath.Join(dir, path.Dir(files[0]))})
	return err
}

// replace moves dir to place. If a folder exists there, it exchanges both in one step where
// the file system can, and dir is then the old folder.
func replace(dir, place string) error {
	err := os.Rename(dir, place)
	if err == nil || !errors.Is(err, fs.ErrExist) && !errors.Is(err, unix.ENOTDIR) {
		return patherr.Reason(err)
	}
	exchange := func() error { return unix.Renameat2(unix.AT_FDCWD, dir, unix.AT_FDCWD, place, unix.RENAME_EXCHANGE) }
	if uninterrupted(exchange) == nil {
		return nil
	}
	old := dir + ".old"
	if err := os.Rename(place, old); err != nil {
		return patherr.Reason(err)
	}
	defer os.RemoveAll(old)
	return patherr.Reason(os.Rename(dir, place))
}
