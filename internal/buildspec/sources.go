package buildspec

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/dockerfile"
	"bkt/internal/patherr"
	"bkt/internal/paths"

	"github.com/tonistiigi/fsutil"
)

// Sent is what an engine gets of the build context for the instructions of a Containerfile.
type Sent struct {
	sources []dockerfile.Source
	files   map[string]string // the targets of links, "" for others, by path; the context itself is "."
	root    string
	exclude []string // what is never sent, relative to root
	ignore  ignoring
}

// A Missing is a source of an instruction that a build does not find.
type Missing struct {
	dockerfile.Source
	Absence
}

// An Absence says why an engine does not get a path of the build context.
type Absence struct {
	Name     string // the path; that of a folder, if only a pattern is in it
	Link     string // the link that leads to it; "": none
	Excluded string // the ignore file that excludes it; "": it does not exist
	Pattern  string // of the ignore file
	IsOutput bool   // it is where images are written, which is never sent
	IsUnread bool   // it exists, and nothing that an instruction reads is in it
}

// IsGone reports whether the path does not exist.
func (a Absence) IsGone() bool { return !a.IsOutput && a.Excluded == "" && !a.IsUnread }

// Sent returns what an engine gets of the build context. exclude has the folders that are
// never sent.
func (s Spec) Sent(ctx context.Context, f *dockerfile.File, exclude []string) (Sent, error) {
	root, err := filepath.Abs(s.Context)
	if err != nil {
		return Sent{}, err
	}
	sent := Sent{sources: f.Sources(s.options()), files: map[string]string{".": ""}, root: root}
	if sent.exclude, err = s.neverSent(root, exclude); err != nil {
		return Sent{}, err
	}
	dir, name := s.Locate(root)
	if sent.ignore, _, err = firstIgnore(places(root, filepath.Join(dir, name))); err != nil {
		return Sent{}, err
	}
	named := sent.read()
	if len(named) == 0 { // no path is looked for
		return sent, nil
	}
	tree, err := s.allFS(root, exclude)
	if err != nil {
		return Sent{}, err
	}
	return sent, sent.walk(ctx, tree, named)
}

// walk finds the files that are sent, as BuildKit asks for them: the named ones, and what
// links among them lead to.
func (s Sent) walk(ctx context.Context, tree fsutil.FS, named []string) error {
	tree, err := fsutil.NewFilterFS(tree, &fsutil.FilterOpt{ExcludePatterns: s.ignore.patterns, FollowPaths: named})
	if err != nil {
		return patherr.TrimOp(err)
	}
	return Sendable(tree).Walk(ctx, "", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return patherr.TrimOp(err)
		}
		target := ""
		if entry.Type()&fs.ModeSymlink != 0 {
			stat, err := statOf(name, entry)
			if err != nil {
				return err
			}
			target = stat.Linkname
		}
		s.files[name] = target
		return nil
	})
}

// read returns the paths that instructions read. If one reads all of the context, or if what
// it reads is not known, this is not all of what is sent, but each folder of a pattern is
// among it.
func (s Sent) read() []string {
	var all []string
	hasAll := slices.ContainsFunc(s.sources, func(source dockerfile.Source) bool { return source.Path == "" })
	for _, source := range s.sources {
		if source.Path == "" {
			continue
		}
		all = append(all, path.Clean(source.Path))
		if folder, pattern := splitPattern(path.Clean(source.Path)); hasAll && pattern != "" {
			all = append(all, folder)
		}
	}
	return all
}

// Missing returns the sources that a build does not find, of those that are known. It is
// about the stages that the build uses.
func (s Sent) Missing() []Missing {
	var all []Missing
	for _, source := range s.sources {
		if source.Known {
			if why, ok := s.missing(source); ok {
				all = append(all, Missing{source, why})
			}
		}
	}
	return all
}

// missing reports whether BuildKit does not find a source, and why. A wildcard may match
// nothing, but the folder before it must exist.
func (s Sent) missing(source dockerfile.Source) (Absence, bool) {
	name, kept := source.Path, ""
	if source.Parents {
		before, after, ok := strings.Cut("/"+source.Path, "/./")
		if !ok {
			before, after = "", source.Path
		}
		name, kept = strings.TrimPrefix(path.Join("/", before), "/"), strings.TrimPrefix(path.Join("/", after), "/")
	}
	folder, pattern := splitPattern(name)
	if source.Mount {
		folder, pattern = name, ""
	}
	at, ok := s.resolve(folder)
	switch {
	case kept != "" && pattern == "" && !hasWildcard(kept) && !source.Exclude: // BuildKit follows no link here
		whole := path.Join(folder, kept)
		if _, ok := s.files[whole]; !ok {
			return s.why(whole, whole), true
		}
	case !ok:
		return s.why(folder, at), true
	case pattern != "":
		return s.brokenLink(at, pattern)
	}
	return Absence{}, false
}

// brokenLink returns a link that matches a pattern in a folder, and leads to nothing.
func (s Sent) brokenLink(folder, pattern string) (Absence, bool) {
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		target := s.files[name]
		below, ok := strings.CutPrefix(name, folder+"/")
		if folder == "." {
			below, ok = name, true
		}
		if match, err := path.Match(pattern, below); !ok || err != nil || !match || target == "" {
			continue
		}
		if why, missing := s.Why(name); missing {
			return why, true
		}
	}
	return Absence{}, false
}

// Why reports whether an engine does not get a path of the context, and why.
func (s Sent) Why(name string) (why Absence, missing bool) {
	at, ok := s.resolve(name)
	if ok {
		return Absence{}, false
	}
	return s.why(name, at), true
}

// why returns the reason why the path at is not sent, to which name leads.
func (s Sent) why(name, at string) Absence {
	a := Absence{Name: at}
	if at != path.Clean(name) {
		a.Link = name
	}
	a.IsOutput = slices.ContainsFunc(s.exclude, func(dir string) bool { return paths.Within(at, dir) })
	if _, err := os.Lstat(filepath.Join(s.root, filepath.FromSlash(at))); err != nil || a.IsOutput {
		return a
	}
	if a.Pattern = s.ignore.excluding(at); a.Pattern == "" {
		a.IsUnread = true
		return a
	}
	a.Excluded = s.ignore.nameIn(s.root)
	return a
}

// maxLinks is how many links the path of a source may have, as in BuildKit.
const maxLinks = 255

// resolve returns where a path leads, in the context. It is not ok if that is not sent;
// at is then the path that is missing.
func (s Sent) resolve(name string) (at string, ok bool) {
	at = "."
	todo, links := strings.Split(path.Clean(name), "/"), 0
	for len(todo) > 0 {
		next := todo[0]
		todo = todo[1:]
		if next == "." || next == "" {
			continue
		}
		if next == ".." {
			at = path.Dir(at)
			continue
		}
		target, ok := s.files[path.Join(at, next)]
		if !ok || links > maxLinks {
			return path.Join(append([]string{at, next}, todo...)...), false
		}
		if target == "" {
			at = path.Join(at, next)
			continue
		}
		links++
		if path.IsAbs(target) {
			at = "."
		}
		todo = append(strings.Split(path.Clean(target), "/"), todo...)
	}
	return at, true
}

// splitPattern splits a path at its first part with a wildcard.
func splitPattern(name string) (folder, pattern string) {
	parts := strings.Split(name, "/")
	i := slices.IndexFunc(parts, hasWildcard)
	if i < 0 {
		return name, ""
	}
	return path.Join(append([]string{"."}, parts[:i]...)...), path.Join(parts[i:]...)
}

// hasWildcard reports whether BuildKit takes a name for a pattern.
func hasWildcard(name string) bool {
	for i := 0; i < len(name); i++ {
		switch name[i] {
		case '*', '?', '[':
			return true
		case '\\':
			i++
		}
	}
	return false
}
