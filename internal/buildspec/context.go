package buildspec

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"bkt/internal/dockerfile"
	"bkt/internal/patherr"

	"github.com/moby/patternmatcher/ignorefile"
	"github.com/tonistiigi/fsutil"
)

// ContextFS returns the folder dir without the folders in exclude, and without the
// layouts that s reads. Otherwise the output of a build would be part of the input of
// the next.
func (s Spec) ContextFS(dir string, exclude []string) (fsutil.FS, error) {
	fs, err := fsutil.NewFS(dir)
	if err != nil {
		return nil, err
	}
	var patterns []string
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
		patterns = append(patterns, dockerfile.EscapePattern(filepath.ToSlash(rel)))
	}
	return fsutil.NewFilterFS(fs, &fsutil.FilterOpt{ExcludePatterns: patterns})
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

// context returns the build context without what .dockerignore excludes.
func (s Spec) context(root, file string, exclude []string) (fsutil.FS, error) {
	tree, err := s.ContextFS(root, exclude)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{file + ".dockerignore", filepath.Join(root, ".dockerignore")} {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, patherr.TrimOp(err)
		}
		defer f.Close()
		patterns, err := ignorefile.ReadAll(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return fsutil.NewFilterFS(tree, &fsutil.FilterOpt{ExcludePatterns: patterns})
	}
	return tree, nil
}
