package services

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// A tree is folders of unit files, each of which is read once.
type tree struct {
	root     string
	entries  map[string]map[string]fs.FileMode // by the folder and the name
	installs map[string]install                // by the path
}

func newTree(root string) *tree {
	return &tree{root, map[string]map[string]fs.FileMode{}, map[string]install{}}
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

// target returns what a link in one of the folders leads to, "" for a file.
func (t *tree) target(path string) string {
	if t.entries[filepath.Dir(path)][filepath.Base(path)] != fs.ModeSymlink {
		return ""
	}
	target, err := os.Readlink(path)
	if err != nil {
		return ""
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

// install returns what a unit file says of how it is enabled. One that cannot be
// read says nothing.
func (t *tree) install(path string) install {
	i, ok := t.installs[path]
	if !ok {
		if text, err := os.ReadFile(path); err == nil {
			i = parseInstall(string(text))
		}
		t.installs[path] = i
	}
	return i
}

// read returns what is in a folder, nothing if there is no folder.
func read(dir string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}
