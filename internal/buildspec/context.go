package buildspec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"bkt/internal/confine"
	"bkt/internal/dockerfile"
	"bkt/internal/hint"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"

	"github.com/moby/patternmatcher/ignorefile"
	"github.com/tonistiigi/fsutil"
)

// ContextFS returns the folder dir without the folders in exclude, and without the
// layouts that s reads. Otherwise the output of a build would be part of the input of
// the next.
func (s Spec) ContextFS(dir string, exclude []string) (fsutil.FS, error) {
	fs, err := newFS(dir)
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
	patterns, err := ignored(root, file)
	if err != nil || patterns == nil {
		return tree, err
	}
	return fsutil.NewFilterFS(tree, &fsutil.FilterOpt{ExcludePatterns: patterns})
}

// CheckIgnored returns an error if the file with the patterns of what is not sent cannot be
// read. The engine reads it, too, and has no limit for its size.
func (s Spec) CheckIgnored(root string) error {
	dir, name := s.Locate(root)
	_, err := ignored(root, filepath.Join(dir, name))
	return err
}

// ignored returns the patterns of the ignore file beside the Containerfile or, without one,
// of that in the build context; nil without both.
func ignored(root, file string) ([]string, error) {
	for _, at := range [][2]string{{filepath.Dir(file), filepath.Base(file) + ".dockerignore"}, {root, ".dockerignore"}} {
		text, err := read(at[0], at[1])
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		patterns, err := ignorefile.ReadAll(bytes.NewReader(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(at[0], at[1]), err)
		}
		return append([]string{}, patterns...), nil
	}
	return nil, nil
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
