// Package host carries out plans: it is the only package of bkt that writes
// files or runs commands on the machine, but for what packages buildkit and
// registry do for images. It decides nothing.
package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"bkt/internal/hint"
	"bkt/internal/plan"

	"github.com/google/renameio/v2"
)

// Do carries out p. It makes sure of every file that is to be written first,
// so that nothing is changed where one of them has been edited meanwhile. A
// change that fails does not hold up the others; what went wrong is joined.
func Do(ctx context.Context, p plan.Plan) error {
	for _, c := range p {
		for _, s := range c.Steps {
			if err := ready(s); err != nil {
				return err
			}
		}
	}
	var errs []error
	for _, c := range p {
		if ctx.Err() != nil {
			return errors.Join(append(errs, context.Cause(ctx))...)
		}
		if err := change(ctx, c); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", strings.Join(c.Targets, " "), err))
		}
	}
	return errors.Join(errs...)
}

func change(ctx context.Context, c plan.Change) error {
	for _, s := range c.Steps {
		if err := step(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func step(ctx context.Context, s plan.Step) error {
	switch s := s.(type) {
	case plan.Write:
		return write(s)
	case plan.Stage:
		_, err := Git{}.Git(ctx, s.Root, s.Diff(), "apply", "--cached", "--whitespace=nowarn", "-")
		return err
	default:
		return fmt.Errorf("a step of type %T cannot be carried out", s)
	}
}

// ready returns an error if the file of a write is not as the plan found it.
func ready(s plan.Step) error {
	w, ok := s.(plan.Write)
	if !ok {
		return nil
	}
	now, err := os.ReadFile(w.Path)
	absent := errors.Is(err, fs.ErrNotExist)
	if err != nil && !absent {
		return err
	}
	if absent != (w.Old == nil) || !bytes.Equal(now, w.Old) {
		return hint.Add(fmt.Errorf("%s: the file has changed meanwhile", w.Name), "run the command again")
	}
	return nil
}

// write replaces the file in one step, so that at any moment it is either the
// old or the new one. A symbolic link stays one; mode and owner stay as they are.
func write(w plan.Write) error {
	path, err := target(w.Path)
	if err != nil {
		return plain(err)
	}
	f, err := renameio.NewPendingFile(path,
		// In /tmp, a new file would not get the group and the security label
		// that those in its folder get.
		renameio.WithTempDir(filepath.Dir(path)),
		renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
	if err != nil {
		return plain(err)
	}
	defer f.Cleanup()
	if err := keepOwner(f, path); err != nil {
		return err
	}
	if _, err := f.Write(w.New); err != nil {
		return plain(err)
	}
	return plain(f.CloseAtomicallyReplace())
}

// target returns the path of the file that symbolic links at path lead to,
// whether or not the file is there yet.
func target(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return real, err
	}
	dir, base := filepath.Split(path)
	link, err := os.Readlink(path)
	if err != nil {
		dir, err = filepath.EvalSymlinks(dir)
		return filepath.Join(dir, base), err
	}
	if !filepath.IsAbs(link) {
		link = dir + link // not cleaned: .. leads up from where dir leads
	}
	return target(link)
}

// keepOwner gives the new file the owner of the old one, which differs where
// root works in a user's repository.
func keepOwner(f *renameio.PendingFile, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil // a new file
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(stat.Uid) == os.Geteuid() && int(stat.Gid) == os.Getegid() {
		return nil
	}
	if err := f.Chown(int(stat.Uid), int(stat.Gid)); err != nil && os.Geteuid() == 0 {
		return plain(err)
	}
	return nil
}

// plain takes the path of the temporary file out of an error.
func plain(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok { // of renaming it
		return e.Err
	}
	return err
}
