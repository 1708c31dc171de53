package buildspec

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"bkt/internal/confine"
	"bkt/internal/dockerfile"
	"bkt/internal/hint"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"

	"github.com/tonistiigi/fsutil"
)

// ContextFS returns the folder dir without what no engine can receive, without the folders
// in exclude, and without the layouts that s reads. Otherwise the output of a build would
// be part of the input of the next.
func (s Spec) ContextFS(dir string, exclude []string) (fsutil.FS, error) {
	files, err := s.allFS(dir, exclude)
	return Sendable(files), err
}

func (s Spec) allFS(dir string, exclude []string) (fsutil.FS, error) {
	fs, err := newFS(dir)
	if err != nil {
		return nil, err
	}
	folders, err := s.neverSent(dir, exclude)
	if err != nil {
		return nil, err
	}
	for i, folder := range folders {
		folders[i] = dockerfile.EscapePattern(folder)
	}
	return fsutil.NewFilterFS(fs, &fsutil.FilterOpt{ExcludePatterns: folders})
}

// neverSent returns the paths in the folder dir of what is never part of a build context:
// the folders in exclude, and the layouts that s reads.
func (s Spec) neverSent(dir string, exclude []string) ([]string, error) {
	var all []string
	root := Resolve(dir)
	for _, folder := range s.excluded(exclude) {
		if folder == "" {
			continue
		}
		abs, err := filepath.Abs(folder)
		if err != nil {
			return nil, err
		}
		rel, err := filepath.Rel(root, Resolve(abs))
		if err != nil || !filepath.IsLocal(rel) {
			continue
		}
		if rel == "." {
			return nil, fmt.Errorf("%s: the build context cannot hold the image, too", folder)
		}
		all = append(all, filepath.ToSlash(rel))
	}
	return all, nil
}

// Resolve returns path without symbolic links, as far as it exists. Where /home
// is a link, a folder has two names.
func Resolve(path string) string {
	if actual, err := filepath.EvalSymlinks(path); err == nil {
		return actual
	}
	parent := filepath.Dir(path)
	if parent == path {
		return path
	}
	return filepath.Join(Resolve(parent), filepath.Base(path))
}

// excluded returns the folders that are never part of a build context.
func (s Spec) excluded(exclude []string) []string {
	all := slices.Clone(exclude)
	for _, name := range slices.Sorted(maps.Keys(s.Images)) {
		all = append(all, s.Images[name].Dir)
	}
	return all
}

// read reads a Containerfile or an ignore file of a build context. Engines do not follow
// symbolic links out of the context, so these are errors.
func read(dir, name string) ([]byte, error) {
	path := filepath.Join(dir, name)
	f, err := confine.Folder{Path: dir}.Open(filepath.ToSlash(name))
	if link, ok := errors.AsType[*confine.OutsideError](err); ok {
		return nil, hint.Add(fmt.Errorf("%s: a link to %s, which is outside of %s", path, link.Target, dir), "replace the link with the file")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, patherr.Reason(err))
	}
	defer f.Close()
	text, err := plainfile.ReadAll(f, path, plainfile.MaxContainerfile)
	return text, patherr.TrimOp(err)
}

// confined is a folder whose files are opened without following links out of it, also if one
// of its folders is replaced by a link meanwhile.
type confined struct {
	fsutil.FS // which follows no links when it walks
	root      *os.Root
}

func newFS(dir string) (fsutil.FS, error) {
	tree, err := fsutil.NewFS(dir)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	return confined{tree, root}, err
}

// Open implements [fsutil.FS].
func (c confined) Open(name string) (io.ReadCloser, error) { return plainfile.OpenIn(c.root, name) }
