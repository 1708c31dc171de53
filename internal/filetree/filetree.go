// Package filetree finds what the entries of "files" in system-config.json put into an
// image: files, symbolic links, and everything in a folder.
//
// A symbolic link is installed as a link. Its target is a path of the image, so nothing
// here follows it: the result depends on the repository alone.
package filetree

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/printable"
)

// A Source is what an entry copies from the repository.
type Source struct {
	Path   string // in the repository
	Folder bool
	Items  []Item // in the image, sorted by path; exactly one if the source is no folder
}

// An Item is a file or a symbolic link in an image.
type Item struct {
	Source string // path in the repository
	Dest   string // path in the image
	Mode   string // of a file, in octal, such as "0644"
	Target string // of a link; "": it is a file
}

// The modes of files: git keeps whether a file is executable, and nothing else.
const (
	plain      = "0644"
	executable = "0755"
)

// Find returns the source of an entry. The error, or each of several, names the file in
// the repository and says why it cannot be installed.
func Find(repo fs.FS, f manifest.SystemFile) (Source, error) {
	name, info, err := locate(repo, f)
	if err != nil {
		return Source{}, err
	}
	s := Source{Path: name, Folder: info.IsDir()}
	if s.Folder {
		s.Items, err = folder(repo, name, f)
		return s, err
	}
	if f.Dest == "/" {
		return s, hint.Add(fmt.Errorf("%s is not a folder, and cannot be /", name), `write the whole path, such as "/%s"`, path.Base(name))
	}
	it, err := item(repo, name, f.Dest, info)
	if err == nil && it.Target != "" && f.Mode != "" {
		err = hint.Add(fmt.Errorf("%s is a symbolic link, which has no mode", name), "leave out the mode, or name the file that it leads to")
	}
	if it.Target == "" {
		it.Mode = cmp.Or(f.Mode, it.Mode)
	}
	s.Items = []Item{it}
	return s, err
}

// locate returns the first path of an entry that exists.
func locate(repo fs.FS, f manifest.SystemFile) (string, fs.FileInfo, error) {
	names := f.SourcePaths()
	for _, name := range names {
		info, err := fs.Lstat(repo, name)
		if err == nil {
			return name, info, nil
		}
		if !patherr.IsMissing(err) {
			return "", nil, fmt.Errorf("%s: %w", name, patherr.Reason(err))
		}
	}
	missing := names[0] + " is not in the repository"
	if len(names) > 1 {
		missing = fmt.Sprintf("neither %s nor %s is in the repository", names[0], names[1])
	}
	return "", nil, hint.Add(errors.New(missing), "add the file, or remove the entry")
}

// folder returns the files and links below a folder. What git calls .git is no part of it.
func folder(repo fs.FS, name string, f manifest.SystemFile) ([]Item, error) {
	if f.Mode != "" {
		return nil, hint.Add(fmt.Errorf("%s is a folder, whose files have no common mode", name),
			"leave out the mode, and declare a file that needs one by itself as well")
	}
	var all []Item
	var errs []error
	err := fs.WalkDir(repo, name, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", file, patherr.Reason(err))
		}
		if d.Name() == ".git" { // of a submodule or another clone: it may contain passwords
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if err := checkName(file); err != nil {
			errs = append(errs, err)
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return fmt.Errorf("%s: %w", file, patherr.Reason(err))
		}
		it, err := item(repo, file, path.Join(f.Dest, strings.TrimPrefix(file, name)), info)
		all, errs = append(all, it), append(errs, err)
		return nil
	})
	if err = errors.Join(append(errs, err)...); err == nil && len(all) == 0 {
		err = hint.Add(fmt.Errorf("%s is an empty folder, which git does not have", name), "add a file to it, or remove the entry")
	}
	slices.SortFunc(all, func(a, b Item) int { return cmp.Compare(a.Dest, b.Dest) })
	return all, err
}

// item returns a file or a link, given its own properties.
func item(repo fs.FS, name, dest string, info fs.FileInfo) (Item, error) {
	it := Item{Source: name, Dest: dest, Mode: plain}
	switch mode := info.Mode(); {
	case mode.IsRegular():
		if mode&0o111 != 0 {
			it.Mode = executable
		}
		return it, nil
	case mode.Type() != fs.ModeSymlink:
		return it, hint.Add(fmt.Errorf("%s is neither a file, nor a folder, nor a symbolic link", name), "let tmpfiles.d make it at boot")
	}
	target, err := fs.ReadLink(repo, name)
	if err != nil {
		return it, fmt.Errorf("%s: %w", name, patherr.Reason(err))
	}
	it.Mode, it.Target = "", target
	if leavesImage(dest, target) {
		return it, hint.Add(fmt.Errorf("%s is a symbolic link to %s, which leads out of the image when it is %s", name, printable.Message(target), dest),
			"write its target as the image has it, such as /usr/share/x")
	}
	return it, nil
}

// checkName returns an error for the name of a file that bootc, or the text of a check,
// cannot hold.
func checkName(name string) error {
	if utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl) {
		return nil
	}
	return hint.Add(fmt.Errorf("%s: its name has a byte that an image may not have in names", printable.Quote(name)), "rename it")
}

// leavesImage reports whether a link with the path dest has a target above the root of
// the image, by its text.
func leavesImage(dest, target string) bool {
	depth := strings.Count(dest, "/") - 1
	if path.IsAbs(target) {
		depth = 0
	}
	for part := range strings.SplitSeq(target, "/") {
		switch part {
		case "", ".":
		case "..":
			depth--
		default:
			depth++
		}
		if depth < 0 {
			return true
		}
	}
	return false
}
