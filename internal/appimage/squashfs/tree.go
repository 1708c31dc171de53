// Package squashfs reads files of an untrusted squashfs image without mounting it. A guard
// between the library for the format and the file limits memory and time, and a tree
// follows no link out of the image.
package squashfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"unicode"

	diskfs "github.com/diskfs/go-diskfs/filesystem/squashfs"
)

const (
	maxLinks  = 16
	MaxDepth  = 32
	maxFolder = 64 << 10 // bytes of a directory: thousands of files
)

// A Tree has the files in an image. It follows links like the programs in the image, and
// refuses links out of the image.
type Tree struct {
	files *diskfs.FileSystem
	known map[string]map[string]node // by folder
}

// A node is a file, a folder or a link.
type node struct {
	mode fs.FileMode
	size int64
	link string
}

// Open opens the squashfs at an offset of a file, and calls use. It returns an error if the
// library panics in use, as it does for some damaged images.
func Open(file *os.File, start, size int64, use func(*Tree) error) (err error) {
	defer func() {
		if recover() != nil {
			err = ErrDamaged
		}
	}()
	g, err := newGuard(file, start, size)
	if err != nil {
		return err
	}
	defer g.close()
	files, err := diskfs.Read(g, size, 0, 0)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	files.SetCacheSize(0) // so that the guard sees all reads
	return use(&Tree{files, map[string]map[string]node{}})
}

// ErrHostile is the error of names and links that no image has by mistake.
var ErrHostile = errors.New("its squashfs is not safe")

func hostile(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrHostile, fmt.Errorf(format, args...))
}

// list returns the files in a folder.
func (t *Tree) list(folder string, size int64) (map[string]node, error) {
	if nodes, ok := t.known[folder]; ok {
		return nodes, nil
	}
	if size > maxFolder {
		return nil, hostile("%q has too many files", folder)
	}
	entries, err := t.files.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	nodes := make(map[string]node, len(entries))
	for _, e := range entries {
		if err := checkEntry(e.Name()); err != nil {
			return nil, err
		}
		if nodes[e.Name()], err = newNode(e); err != nil {
			return nil, err
		}
	}
	t.known[folder] = nodes
	return nodes, nil
}

// checkEntry checks a name in a folder.
func checkEntry(name string) error {
	if !fs.ValidPath(name) || name == "." || strings.Contains(name, "/") || strings.ContainsFunc(name, unicode.IsControl) {
		return hostile("it has a file called %q", name)
	}
	return nil
}

func newNode(e fs.DirEntry) (node, error) {
	info, err := e.Info()
	if err != nil {
		return node{}, err
	}
	n := node{mode: info.Mode(), size: info.Size()}
	if l, ok := e.(interface{ Readlink() (string, error) }); ok && n.mode.Type() == fs.ModeSymlink {
		n.link, err = l.Readlink()
	}
	return n, err
}

// Root returns the names of the files in the root of the image.
func (t *Tree) Root() ([]string, error) {
	nodes, err := t.root()
	return slices.Collect(maps.Keys(nodes)), err
}

func (t *Tree) root() (map[string]node, error) {
	info, err := t.files.Stat(".")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return t.list(".", info.Size())
}

// find returns the file at a path, and its path after links were followed.
func (t *Tree) find(name string) (string, node, error) {
	at, now := ".", node{mode: fs.ModeDir}
	if _, err := t.root(); err != nil {
		return "", now, err
	}
	rest := strings.Split(name, "/")
	for links := 0; len(rest) > 0; {
		next := rest[0]
		rest = rest[1:]
		switch {
		case next == "" || next == ".":
			continue
		case !now.mode.IsDir():
			return "", now, fs.ErrNotExist
		case next == ".." && at == ".":
			return "", now, hostile("%q leads out of it", name)
		case next == "..":
			at = path.Dir(at)
			now = node{mode: fs.ModeDir} // its size is not needed: list knows the folder
			continue
		case strings.Count(at, "/") >= MaxDepth:
			return "", now, hostile("%q leads too deep", name)
		}
		nodes, err := t.list(at, now.size)
		if err != nil {
			return "", now, err
		}
		there, ok := nodes[next]
		switch {
		case !ok:
			return "", now, fs.ErrNotExist
		case there.mode.Type() != fs.ModeSymlink:
			at, now = path.Join(at, next), there
			continue
		}
		links++
		switch {
		case links > maxLinks:
			return "", now, hostile("%q is a link without end", name)
		case path.IsAbs(there.link):
			return "", now, hostile("%q leads out of it, to %q", name, there.link)
		}
		rest = append(strings.Split(there.link, "/"), rest...)
	}
	return at, now, nil
}

// Read returns the content of a file of at most limit bytes.
func (t *Tree) Read(name string, limit int64) ([]byte, error) {
	at, found, err := t.find(name)
	switch {
	case err != nil:
		return nil, err
	case !found.mode.IsRegular():
		return nil, fs.ErrNotExist
	case found.size > limit:
		return nil, hostile("%q has %d bytes", name, found.size)
	}
	f, err := t.files.OpenFile(at, os.O_RDONLY)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	text, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return text, err
}
