// Package repo finds the image repository that a command works on, and keeps
// two commands from working on it at the same time.
package repo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"bkt/internal/flock"
	"bkt/internal/hint"
	"bkt/internal/patherr"

	"golang.org/x/sys/unix"
)

// A Repo is an image repository: a folder with manifests and Containerfiles.
type Repo struct {
	Root string // absolute
}

// ErrNone is that a folder is in no repository.
var ErrNone = errors.New("is not in an image repository")

// Find returns the repository that dir lies in: the nearest folder upwards
// that holds manifests/ and a Containerfile or toolbox/Containerfile. That there
// is none is ErrNone, unless there is a folder that cannot be looked at.
func Find(dir string) (Repo, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return Repo{}, err
	}
	if _, err := os.Stat(start); err != nil {
		return Repo{}, err
	}
	var errLook error
	for root := start; ; root = filepath.Dir(root) {
		ok, err := isRepo(root)
		if ok {
			return Repo{root}, nil
		}
		errLook = cmp.Or(errLook, err)
		if root != filepath.Dir(root) {
			continue
		}
		if errLook != nil {
			return Repo{}, fmt.Errorf("%s: whether it is in an image repository cannot be told: %w", start, errLook)
		}
		return Repo{}, hint.Add(fmt.Errorf("%s %w", start, ErrNone),
			"a repository has manifests/ and a Containerfile or toolbox/Containerfile: change to it, or name it with -C DIR")
	}
}

func isRepo(root string) (bool, error) {
	manifests, err := os.Stat(filepath.Join(root, "manifests"))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return false, nil
	}
	if err != nil || !manifests.IsDir() {
		return false, err
	}
	return exists(filepath.Join(root, "Containerfile")) || exists(filepath.Join(root, "toolbox", "Containerfile")), nil
}

// exists is true also for what cannot be looked at: that it cannot is for the
// one who reads it to say.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// FS returns the repository's files for reading. A symbolic link that leads
// nowhere is an error other than [fs.ErrNotExist], and so is what is neither a
// file nor a folder: reading it might never end.
func (r Repo) FS() fs.FS { return files{r} }

type files struct{ Repo }

// Open implements [fs.FS].
func (f files) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	// Without O_NONBLOCK, opening a pipe waits for someone to write.
	file, err := os.OpenFile(f.Path(name), os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err == nil {
		if err = isPlain(file); err == nil {
			return file, nil
		}
		file.Close()
	}
	err = patherr.Reason(err)
	if target, errLink := os.Readlink(f.Path(name)); errLink == nil && errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("a symbolic link to %s, which is not there", target)
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: err}
}

func isPlain(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() && !info.IsDir() {
		return errors.New("neither a file nor a folder")
	}
	return nil
}

// Path returns where the file with a slash-separated path in the repository lies.
func (r Repo) Path(name string) string { return filepath.Join(r.Root, filepath.FromSlash(name)) }

// Has reports whether there is a file with that slash-separated path.
func (r Repo) Has(name string) bool { return exists(r.Path(name)) }

// Name returns the slash-separated path in the repository of a file that the
// user named. A file outside of it is an error.
func (r Repo) Name(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	name, err := filepath.Rel(r.Root, abs)
	if err != nil || name == ".." || strings.HasPrefix(name, "../") {
		return "", hint.Add(fmt.Errorf("%s is not in the repository %s", path, r.Root), "name the repository with -C DIR")
	}
	return filepath.ToSlash(name), nil
}

// Lock waits until no other bkt changes the repository, and keeps others out
// until the result is closed. The lock is on the folder manifests/ itself and
// leaves nothing behind, however bkt ends. waiting is called before it waits; the
// end of ctx ends the wait.
func (r Repo) Lock(ctx context.Context, waiting func()) (*os.File, error) {
	dir := r.Path("manifests")
	f, err := flock.Lock(ctx, dir, os.O_RDONLY, flock.Exclusive, waiting)
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", dir, patherr.Reason(err))
	}
	return f, nil
}
