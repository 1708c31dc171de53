package services

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"bkt/internal/plainfile"
)

// A tree caches folders of unit files: each folder is read once.
type tree struct {
	root     string
	entries  map[string]map[string]fs.FileMode // by the folder and the name
	installs map[string]install                // by the path
	err      error                             // of links that cannot be read
}

func newTree(root string) *tree {
	return &tree{root: root, entries: map[string]map[string]fs.FileMode{}, installs: map[string]install{}}
}

// read reads folders. A missing folder is empty.
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

// noUnit is the target of the link that masks a unit.
const noUnit = "/dev/null"

// target returns the target of a link in one of the folders, "" for a file. If a link
// cannot be read, it records the error, because then the whole tree is unknown.
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

// follow returns the target of a link at path, within the root.
func (t *tree) follow(path, target string) string {
	if filepath.IsAbs(target) {
		return filepath.Join("/", t.root, target)
	}
	return filepath.Join(filepath.Dir(path), target)
}

// isMask reports whether a file masks a unit: a link to /dev/null, or an empty file.
func (t *tree) isMask(path string) bool {
	if target := t.target(path); target != "" {
		return target == noUnit
	}
	return t.install(path).empty
}

// install returns the facts of a unit file that decide how the unit is enabled. Of a file
// that only root can read, only its size is known.
func (t *tree) install(path string) install {
	i, ok := t.installs[path]
	if ok {
		return i
	}
	text, err := plainfile.Read(path, plainfile.MaxText)
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

// isNoFile reports whether an error says that a path is not the path of a file.
func isNoFile(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.ELOOP)
}

// read returns the entries of a folder, nil if it does not exist.
func read(dir string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}
