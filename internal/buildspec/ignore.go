package buildspec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/paths"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
)

// The names of ignore files. BuildKit reads dockerIgnore alone.
const (
	containerIgnore = ".containerignore"
	dockerIgnore    = ".dockerignore"
)

// A place is where an ignore file may be.
type place struct{ dir, name string }

func (p place) String() string { return filepath.Join(p.dir, p.name) }

// places returns where the ignore file of a Containerfile may be. The first that exists
// counts, and the others are not read. Their order is that of buildah, which podman uses
// (ContainerIgnoreFile in pkg/parse). Without the names of podman, it is BuildKit's.
func places(root, file string) []place {
	dir, base := filepath.Split(file)
	return []place{{dir, base + dockerIgnore}, {dir, base + containerIgnore}, {root, containerIgnore}, {root, dockerIgnore}}
}

// folderPlaces returns where the ignore file of a folder that is a context may be.
func folderPlaces(dir string) []place {
	return []place{{dir, containerIgnore}, {dir, dockerIgnore}}
}

// An ignoring is an ignore file; the zero value is none.
type ignoring struct {
	place
	text     []byte
	patterns []string
	matchers []*patternmatcher.PatternMatcher // of each pattern alone, see newMatcher
}

// nameIn returns the path of the ignore file, relative to root if it is in it, and that of
// docker if there is none.
func (i ignoring) nameIn(root string) string {
	if i.name == "" {
		return dockerIgnore
	}
	if name, err := filepath.Rel(root, i.String()); err == nil && filepath.IsLocal(name) {
		return name
	}
	return i.String()
}

// excluding returns the last pattern that excludes a path; "" if none does, or if one below
// it includes the path again.
func (i ignoring) excluding(name string) string {
	found := ""
	for k, pattern := range i.patterns {
		is, _ := i.matchers[k].MatchesOrParentMatches(name) // an error would be about the pattern, and newMatcher has checked it
		switch includes := strings.HasPrefix(pattern, "!"); {
		case is && !includes:
			found = pattern
		case !is && includes:
			found = ""
		}
	}
	return found
}

// newMatcher returns a matcher of what a pattern excludes: for one with "!", of all but what
// it includes. An error is about the pattern.
func newMatcher(pattern string) (*patternmatcher.PatternMatcher, error) {
	all := []string{pattern}
	if strings.HasPrefix(pattern, "!") {
		all = []string{"**", pattern}
	}
	m, err := patternmatcher.New(all)
	if err == nil {
		_, err = m.MatchesOrParentMatches("x") // this alone compiles a pattern
	}
	return m, err
}

// firstIgnore returns the first of the ignore files that exists. It is not ok if none does.
func firstIgnore(all []place) (found ignoring, ok bool, err error) {
	for _, at := range all {
		found, ok, err = readIgnore(at)
		if ok || err != nil {
			return found, ok, err
		}
	}
	return found, false, nil
}

func readIgnore(at place) (found ignoring, ok bool, err error) {
	text, err := read(at.dir, at.name)
	if errors.Is(err, fs.ErrNotExist) {
		return found, false, nil
	}
	if err != nil {
		return found, false, err
	}
	patterns, err := ignorefile.ReadAll(bytes.NewReader(text))
	if err != nil {
		return found, false, fmt.Errorf("%s: %w", at, err)
	}
	found = ignoring{place: at, text: text, patterns: patterns}
	for _, p := range patterns {
		m, err := newMatcher(p)
		if err != nil {
			return ignoring{}, false, fmt.Errorf("%s: pattern %q: %w", at, p, err)
		}
		found.matchers = append(found.matchers, m)
	}
	return found, true, nil
}

// context returns the build context without what its ignore file excludes.
func (s Spec) context(root, file string, exclude []string) (fsutil.FS, ignoring, error) {
	tree, err := s.allFS(root, exclude)
	if err != nil {
		return nil, ignoring{}, err
	}
	ignore, ok, err := firstIgnore(places(root, file))
	if err != nil || !ok {
		return tree, ignore, err
	}
	tree, err = fsutil.NewFilterFS(tree, &fsutil.FilterOpt{ExcludePatterns: ignore.patterns})
	return tree, ignore, err
}

// ContainerfileFS returns a folder with the Containerfile, under the path that [Spec.Locate]
// returns, and with its ignore file, under the name that BuildKit reads before any other.
// Without a Containerfile, the folder is empty.
func (s Spec) ContainerfileFS(root string) (fsutil.FS, error) {
	dir, name := s.Locate(root)
	text, err := s.text(root)
	if errors.Is(err, fs.ErrNotExist) { // no build: commands run in an image that exists
		return texts{}, nil
	}
	if err != nil {
		return nil, err
	}
	files := texts{filepath.ToSlash(name): text}
	if s.Text != nil { // no ignore file belongs to it
		return files, nil
	}
	ignore, ok, err := firstIgnore(places(root, filepath.Join(dir, name)))
	if err != nil {
		return nil, err
	}
	if ok {
		// BuildKit looks for another file where this one is empty.
		files[filepath.ToSlash(name)+dockerIgnore] = append(ignore.text, '\n')
	}
	return files, nil
}

// FolderFS returns a folder that is a context of its own, without what its ignore file
// excludes, and without what no engine can receive.
func FolderFS(dir string) (fsutil.FS, error) {
	files, _, err := folder(dir)
	return Sendable(files), err
}

func folder(dir string) (fsutil.FS, ignoring, error) {
	tree, err := fsutil.NewFS(dir)
	if err != nil {
		return nil, ignoring{}, err
	}
	ignore, ok, err := firstIgnore(folderPlaces(dir))
	if err != nil || !ok {
		return tree, ignore, err
	}
	patterns := slices.Clone(ignore.patterns)
	if ignore.name == containerIgnore {
		patterns = append(patterns, dockerIgnore) // BuildKit would exclude what it names, too
	}
	tree, err = fsutil.NewFilterFS(tree, &fsutil.FilterOpt{ExcludePatterns: patterns})
	return tree, ignore, err
}

// UnreadIgnore returns an error if a .containerignore takes the place of a .dockerignore
// with other patterns: what that one excludes is sent.
func (s Spec) UnreadIgnore(root string) error {
	dir, name := s.Locate(root)
	all := places(root, filepath.Join(dir, name))
	ignore, ok, err := firstIgnore(all)
	if err != nil || !ok || !strings.HasSuffix(ignore.name, containerIgnore) {
		return err
	}
	for _, at := range all[slices.Index(all, ignore.place)+1:] {
		other, ok, err := readIgnore(at)
		if err == nil && ok && strings.HasSuffix(at.name, dockerIgnore) && !slices.Equal(other.patterns, ignore.patterns) {
			err := fmt.Errorf("%s is not read, because %s exists and has other patterns", at.name, ignore.name)
			return hint.Add(err, "keep one of the two files: podman, too, reads %s alone", ignore.name)
		}
	}
	return nil
}

// texts is a folder with files in memory, by their paths.
type texts map[string][]byte

// Walk implements [fsutil.FS].
func (t texts) Walk(ctx context.Context, target string, fn fs.WalkDirFunc) error {
	all := map[string]fs.FileMode{}
	for name := range t {
		all[name] = 0o644
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			all[dir] = fs.ModeDir | 0o755
		}
	}
	target = "/" + filepath.ToSlash(target)
	skipped := ""
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !paths.Within("/"+name, target) || skipped != "" && paths.Within(name, skipped) {
			continue
		}
		stat := &types.Stat{Path: name, Mode: uint32(all[name]), Size: int64(len(t[name]))}
		switch err := fn(name, &fsutil.DirEntryInfo{Stat: stat}, nil); {
		case errors.Is(err, fs.SkipDir):
			skipped = name
		case err != nil:
			return err
		}
	}
	return context.Cause(ctx)
}

// Open implements [fsutil.FS].
func (t texts) Open(name string) (io.ReadCloser, error) {
	text, ok := t[filepath.ToSlash(name)]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return io.NopCloser(bytes.NewReader(text)), nil
}
