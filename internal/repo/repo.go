// Package repo finds the image repository of a command, and locks it against other commands.
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
	"bkt/internal/plainfile"

	"golang.org/x/sys/unix"
)

// A Repo is an image repository: a folder with manifests and Containerfiles.
type Repo struct {
	Root string // absolute
}

// ErrNone is the error of a folder that is not in a repository.
var ErrNone = errors.New("is not in an image repository")

// Find returns the repository of dir: the nearest folder upwards with manifests/ and a
// Containerfile or toolbox/Containerfile. The error is ErrNone if no folder has them, and
// another one if a folder cannot be read.
func Find(dir string) (Repo, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return Repo{}, err
	}
	if _, err := os.Stat(start); err != nil {
		return Repo{}, err
	}
	var errRead error
	for root := start; ; root = filepath.Dir(root) {
		ok, err := isRepo(root)
		if ok {
			return Repo{root}, nil
		}
		errRead = cmp.Or(errRead, err)
		if root != filepath.Dir(root) {
			continue
		}
		if errRead != nil {
			return Repo{}, fmt.Errorf("%s: cannot check whether it is in an image repository: %w", start, errRead)
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

// exists reports whether a path exists. An unreadable path counts as existing: reading it
// returns the error.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// FS returns the repository's files for reading. The error of a broken symbolic link is not
// [fs.ErrNotExist]. A special file is an error, too: reading it might never end.
func (r Repo) FS() fs.FS { return files{r} }

type files struct{ Repo }

// Open implements [fs.FS].
func (f files) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	file, err := plainfile.Open(f.Path(name))
	if err == nil {
		return file, nil
	}
	err = patherr.Reason(err)
	if target, errLink := os.Readlink(f.Path(name)); errLink == nil && errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("a symbolic link to %s, which does not exist", target)
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: err}
}

// Path returns the path of a file from its slash-separated path in the repository.
func (r Repo) Path(name string) string { return filepath.Join(r.Root, filepath.FromSlash(name)) }

// Has reports whether a file with a slash-separated path exists in the repository.
func (r Repo) Has(name string) bool { return exists(r.Path(name)) }

// Name returns the slash-separated path in the repository of the file at path. A file
// outside of the repository is an error.
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

// Lock waits until no other bkt changes the repository, and locks it until the result is
// closed. The lock is on the folder manifests/ itself: it ends with bkt, and leaves no file
// behind. Lock calls waiting before it waits; the end of ctx ends the wait.
func (r Repo) Lock(ctx context.Context, waiting func()) (*os.File, error) {
	dir := r.Path("manifests")
	f, err := flock.Lock(ctx, dir, os.O_RDONLY, flock.Exclusive, waiting)
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", dir, patherr.Reason(err))
	}
	return f, nil
}
