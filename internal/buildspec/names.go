package buildspec

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"bkt/internal/dockerfile"
	"bkt/internal/hint"
	"bkt/internal/patherr"

	"github.com/moby/patternmatcher"
	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
)

// Sendable returns files without those that no engine can receive: BuildKit's protocol has
// text for names and for the targets of links, and text is UTF-8.
func Sendable(files fsutil.FS) fsutil.FS { return sendable{files} }

type sendable struct{ fsutil.FS }

// Walk implements [fsutil.FS].
func (s sendable) Walk(ctx context.Context, target string, fn fs.WalkDirFunc) error {
	return s.FS.Walk(ctx, target, func(name string, entry fs.DirEntry, err error) error {
		if entry != nil {
			if ok, errInfo := canSend(name, entry); errInfo == nil && !ok {
				return passOver(entry)
			}
		}
		return fn(name, entry, err)
	})
}

// canSend reports whether an engine can receive a file.
func canSend(name string, entry fs.DirEntry) (bool, error) {
	if !utf8.ValidString(name) {
		return false, nil
	}
	if entry.Type()&fs.ModeSymlink == 0 {
		return true, nil
	}
	stat, err := statOf(name, entry)
	return err != nil || utf8.ValidString(stat.Linkname), err
}

// passOver is the result of a walk's function for a file that does not count, nor does
// what is in it.
func passOver(entry fs.DirEntry) error {
	if entry.IsDir() {
		return fs.SkipDir
	}
	return nil
}

func statOf(name string, entry fs.DirEntry) (*types.Stat, error) {
	info, err := entry.Info()
	if err != nil {
		return nil, patherr.TrimOp(err)
	}
	stat, ok := info.Sys().(*types.Stat)
	if !ok {
		return nil, fmt.Errorf("%s: neither a file nor a folder", printableName(name))
	}
	return stat, nil
}

// A tree is what a build reads of its context, or of a folder that is a context.
type tree struct {
	fsutil.FS
	name  string   // of the context; "": the build context
	dir   string   // for messages; "": the build context
	asked []string // patterns of what instructions read, and do not merely mount

	ignore string // the ignore file that counts, or else the one to write
}

// trees returns the trees that the build reads.
func (s Spec) trees(f *dockerfile.File, exclude []string) ([]tree, error) {
	root, err := filepath.Abs(s.Context)
	if err != nil {
		return nil, err
	}
	var all []tree
	if sources := f.ContextPatterns(); len(sources) > 0 {
		dir, name := s.Locate(root)
		files, ignore, err := s.context(root, filepath.Join(dir, name), exclude)
		if err == nil {
			files, err = fsutil.NewFilterFS(files, &fsutil.FilterOpt{IncludePatterns: sources})
		}
		if err != nil {
			return nil, err
		}
		all = append(all, tree{FS: files, asked: f.AskedPatterns(s.options(), s.NamedLines), ignore: ignore.nameIn(root)})
	}
	for _, name := range slices.Sorted(maps.Keys(s.Folders)) {
		dir := s.Folders[name]
		files, ignore, err := folder(dir)
		if err != nil {
			return nil, err
		}
		asked := f.FolderPatterns(s.options(), func(from string) bool { return sameName(name, from) })
		all = append(all, tree{files, name, dir, asked, filepath.Join(dir, ignore.nameIn(dir))})
	}
	return all, nil
}

// walk calls visit with each file of the tree. A file that no engine can receive is an
// error if an instruction asks for it.
func (t tree) walk(ctx context.Context, visit func(name string, entry fs.DirEntry) error) error {
	var errs []error
	err := t.Walk(ctx, "", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return patherr.TrimOp(err)
		}
		ok, err := canSend(name, entry)
		if err != nil {
			return err
		}
		if !ok {
			errs = append(errs, t.unsent(name))
			return passOver(entry)
		}
		return visit(name, entry)
	})
	return errors.Join(append(errs, err)...)
}

// unsent returns the error for a file that no engine can receive, or nil if nothing asks
// for it.
func (t tree) unsent(name string) error {
	patterns, err := patternmatcher.New(t.asked)
	if err != nil {
		return err
	}
	if asked, err := patterns.MatchesOrParentMatches(name); err != nil || !asked {
		return err
	}
	path := filepath.Join(t.dir, name)
	if utf8.ValidString(name) {
		err := fmt.Errorf("%s: the target of the link is not UTF-8, and BuildKit cannot read such links", path)
		return hint.Add(err, "remove the link, or exclude it with this line in %s: %s", t.ignore, dockerfile.EscapePattern(name))
	}
	err = fmt.Errorf("%s: the name is not UTF-8, and BuildKit cannot read such files", printableName(path))
	return hint.Add(err, "rename it, or exclude it with this line in %s: %s", t.ignore, ignoreLine(name))
}

// printableName returns a name with escapes for the bytes of it that are not UTF-8.
func printableName(name string) string {
	if utf8.ValidString(name) {
		return name
	}
	quoted := strconv.Quote(name)
	return quoted[1 : len(quoted)-1]
}

// ignoreLine returns a pattern that matches a name: a question mark stands for each of its
// bytes that is not UTF-8.
func ignoreLine(name string) string {
	var line strings.Builder
	for _, r := range dockerfile.EscapePattern(name) {
		if r == utf8.RuneError {
			r = '?'
		}
		line.WriteRune(r)
	}
	return line.String()
}

// CheckNames returns an error for each file that the Containerfile f asks for and that no
// engine can receive. exclude has the folders that are never sent.
func (s Spec) CheckNames(ctx context.Context, f *dockerfile.File, exclude []string) error {
	all, err := s.trees(f, exclude)
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range all {
		errs = append(errs, t.walk(ctx, func(string, fs.DirEntry) error { return nil }))
	}
	return errors.Join(errs...)
}
