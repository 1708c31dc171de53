package services

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// A tree is folders of unit files, each of which is read once.
type tree struct {
	root     string
	entries  map[string]map[string]fs.FileMode // by the folder and the name
	installs map[string]install                // by the path
	err      error                             // of links that cannot be read
}

func newTree(root string) *tree {
	return &tree{root: root, entries: map[string]map[string]fs.FileMode{}, installs: map[string]install{}}
}

// read reads what is in folders. One that is not there has nothing.
func (t *tree) read(dirs []string) error {
	for _, dir := range dirs {
		if t.entries[dir] != nil {
			continue
		}
		entries, err := read(dir)
		if err != nil {
			return err
		}
		t.entries[dir] = map[string]fs.FileMode{}
		for _, e := range entries {
			t.entries[dir][e.Name()] = e.Type()
		}
	}
	return nil
}

// noUnit is what a masked unit is a link to.
const noUnit = "/dev/null"

// target returns what a link in one of the folders leads to, "" for a file. Of a
// link that cannot be read nothing is known, and so of nothing around it.
func (t *tree) target(path string) string {
	if t.entries[filepath.Dir(path)][filepath.Base(path)] != fs.ModeSymlink {
		return ""
	}
	target, err := os.Readlink(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.err = errors.Join(t.err, err)
	}
	return target
}

// follow returns where a link at path leads, within the root.
func (t *tree) follow(path, target string) string {
	if filepath.IsAbs(target) {
		return filepath.Join("/", t.root, target)
	}
	return filepath.Join(filepath.Dir(path), target)
}

// isMask reports whether a file is one that masks a unit: a link to nothing, or
// an empty file.
func (t *tree) isMask(path string) bool {
	if target := t.target(path); target != "" {
		return target == noUnit
	}
	return t.install(path).empty
}

// install returns what a unit file says of how it is enabled. One that is for root
// alone to read tells only whether it is empty.
func (t *tree) install(path string) install {
	i, ok := t.installs[path]
	if ok {
		return i
	}
	text, err := os.ReadFile(path)
	switch {
	case err == nil:
		i = parseInstall(string(text))
	case !isNoFile(err):
		info, errStat := os.Stat(path)
		i = install{unread: err, empty: errStat == nil && info.Size() == 0}
	}
	t.installs[path] = i
	return i
}

// isNoFile reports whether an error is that a path leads to no file.
func isNoFile(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.ELOOP)
}

// read returns what is in a folder, nothing if there is no folder.
func read(dir string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}
