// Package confine finds and opens files of a folder that symbolic links cannot leave, except
// into other folders that the user permits.
//
// Files are opened with [os.Root]: a link that changes between a check and the opening leads
// nowhere else. Links that os.Root refuses although they stay inside, because they are
// absolute, are resolved here, and their targets are opened with os.Root again.
package confine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/paths"
	"bkt/internal/plainfile"

	"golang.org/x/sys/unix"
)

// A Folder is a folder whose symbolic links must stay in it.
type Folder struct {
	Path   string                   // absolute; it may be reached by links itself
	Beyond func() ([]string, error) // other folders that links may lead into; nil: none. It is called only for such a link
}

// Within returns the first of some folders, whose links may lead into the others too, and the
// path in it of the file at path, which must be below that folder.
func Within(folders []string, path string) (f Folder, name string, err error) {
	f = Folder{Path: folders[0], Beyond: func() ([]string, error) { return folders[1:], nil }}
	name, err = filepath.Rel(f.Path, path)
	if err == nil && !filepath.IsLocal(name) {
		err = fmt.Errorf("%s is not in %s", path, f.Path)
	}
	return f, filepath.ToSlash(name), err
}

// A Place is where a file is, or would be.
type Place struct {
	Folder string // the folder, or one that links may lead into
	Name   string // the path in it, slash-separated; no part of it was a link

	broken string // the target of the link that leads to a missing file
}

// Path returns the path of the file.
func (p Place) Path() string { return filepath.Join(p.Folder, filepath.FromSlash(p.Name)) }

// Open opens a file or a folder for reading by its slash-separated path in the folder, as
// [plainfile.OpenIn] does. Errors are an [fs.PathError], with an [OutsideError] for a link
// that leads out, and a [BrokenError], which is not [fs.ErrNotExist], for a broken one.
func (f Folder) Open(name string) (*os.File, error) {
	root, err := os.OpenRoot(f.Path)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return f.OpenIn(root, name)
}

// OpenIn is like [Folder.Open] for a folder that is already open.
func (f Folder) OpenIn(root *os.Root, name string) (*os.File, error) {
	file, err := plainfile.OpenIn(root, name)
	if err == nil || f.FirstLink(name) == "" {
		return file, err
	}
	at, err := f.Find(name)
	if err != nil {
		return nil, err
	}
	if root, err = os.OpenRoot(at.Folder); err != nil {
		return nil, err
	}
	defer root.Close()
	file, err = plainfile.OpenIn(root, at.Name)
	if at.broken != "" && errors.Is(err, fs.ErrNotExist) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: &BrokenError{at.broken}}
	}
	return file, err
}

// FirstLink returns the first part of a path in the folder that is a symbolic link, "" if
// none is.
func (f Folder) FirstLink(name string) string {
	at := ""
	for part := range strings.SplitSeq(name, "/") {
		at = path.Join(at, part)
		if _, err := os.Readlink(filepath.Join(f.Path, at)); err == nil {
			return at
		}
	}
	return ""
}

// Find returns where links lead. The file need not exist. An error is an [fs.PathError], and
// that of a link that leads out is an [OutsideError] in one.
func (f Folder) Find(name string) (Place, error) {
	if f.FirstLink(name) == "" {
		return Place{Folder: f.Path, Name: path.Clean(name)}, nil
	}
	w := walk{folder: f, todo: strings.Split(name, "/")}
	place, err := w.follow()
	if outside, ok := errors.AsType[*OutsideError](err); ok {
		outside.name = path.Clean(name)
	}
	if err != nil {
		return Place{}, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return place, nil
}

// maxLinks is how many links lead to a file at most, as in Linux.
const maxLinks = 40

// A walk resolves the links of a path, one part after the other. It looks at nothing outside
// of the permitted folders but at the folders above them, of which some may be links, such
// as /home. So a link can lead into a permitted folder by another name of it.
type walk struct {
	folder    Folder
	permitted []string // real paths
	at        string   // the real path of what is resolved
	todo      []string // the parts of the path that are not
	link, to  string   // the last link in a permitted folder, and its target
	below     bool     // the path goes on below that link
	broken    string   // the target of the last link of the whole path
}

func (w *walk) follow() (Place, error) {
	real, err := filepath.EvalSymlinks(w.folder.Path)
	if err != nil {
		return Place{}, err
	}
	w.at, w.permitted = real, []string{real}
	place, err := w.clone().steps()
	if _, outside := errors.AsType[*OutsideError](err); !outside || w.folder.Beyond == nil {
		return place, err
	}
	more, errMore := w.folder.Beyond()
	if errMore != nil {
		return Place{}, errMore
	}
	for _, dir := range more {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			w.permitted = append(w.permitted, real)
		}
	}
	return w.steps()
}

func (w *walk) clone() *walk {
	c := *w
	return &c
}

// steps resolves all parts.
func (w *walk) steps() (Place, error) {
	for links := 0; len(w.todo) > 0; {
		part := w.todo[0]
		w.todo = w.todo[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			w.at = filepath.Dir(w.at)
			continue
		}
		if !w.isNear() {
			return Place{}, w.outside()
		}
		followed, err := w.step(part)
		if err != nil {
			return Place{}, err
		}
		if followed {
			links++
		}
		if links > maxLinks {
			return Place{}, unix.ELOOP
		}
	}
	dir, ok := w.inside()
	if !ok {
		return Place{}, w.outside()
	}
	name, err := filepath.Rel(dir, w.at)
	return Place{dir, filepath.ToSlash(name), w.broken}, err
}

// step resolves the next part, and reports whether it is a link.
func (w *walk) step(part string) (bool, error) {
	next := filepath.Join(w.at, part)
	to, err := os.Readlink(next)
	if err != nil { // it is no link, or does not exist: opening it tells
		w.at = next
		return false, nil
	}
	if _, ok := w.inside(); ok {
		w.link, w.to, w.below = next, to, len(w.todo) > 0
	}
	if len(w.todo) == 0 {
		w.broken = to
	}
	if filepath.IsAbs(to) {
		w.at = "/"
	}
	w.todo = append(strings.Split(to, "/"), w.todo...)
	return true, nil
}

// inside returns the permitted folder that the walk is in.
func (w *walk) inside() (dir string, ok bool) {
	i := slices.IndexFunc(w.permitted, func(dir string) bool { return paths.Within(w.at, dir) })
	if i < 0 {
		return "", false
	}
	return w.permitted[i], true
}

// isNear reports whether the walk is in a permitted folder or above one.
func (w *walk) isNear() bool {
	return slices.ContainsFunc(w.permitted, func(dir string) bool { return paths.Within(w.at, dir) || paths.Within(dir, w.at) })
}

// outside returns the error of the last link.
func (w *walk) outside() error {
	link := w.link
	if name, err := filepath.Rel(w.permitted[0], link); err == nil && filepath.IsLocal(name) {
		link = name
	}
	dir := w.to
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(filepath.Dir(w.link), dir)
	}
	if !w.below {
		dir = filepath.Dir(dir)
	}
	return &OutsideError{Link: link, Target: w.to, Folder: w.folder.Path, needed: dir}
}
