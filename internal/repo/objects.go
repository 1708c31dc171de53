package repo

import (
	"io/fs"
	"strings"
	"testing/fstest"

	"bkt/internal/plainfile"
)

// objects are the files in git's index or in a commit, with the symbolic links and the
// executable bits that git has. Most of a repository is not read: its list and its texts
// are fetched when someone asks for a file that listed does not report.
type objects struct {
	files  fstest.MapFS
	large  map[string]int64 // the sizes of files that are too large to be read
	listed func(name string) bool
	rest   func() (others, error)
	read   func([]indexEntry) (blobs, error)
}

// others are the files that [objects] does not list.
type others struct {
	fstest.MapFS
	entries map[string]indexEntry // without links
}

// newOthers returns the files of entries, without their texts.
func newOthers(entries []indexEntry, read func([]indexEntry) (blobs, error)) (others, error) {
	all := others{fstest.MapFS{}, map[string]indexEntry{}}
	var links []indexEntry
	for _, e := range entries {
		all.MapFS[e.name] = &fstest.MapFile{Mode: e.mode}
		if e.isLink() {
			links = append(links, e)
		} else {
			all.entries[e.name] = e
		}
	}
	if len(links) == 0 {
		return all, nil
	}
	targets, err := read(links)
	for _, e := range links {
		all.MapFS[e.name].Data = targets.texts[e.name]
	}
	return all, err
}

// isSourceOf returns a function that reports whether one of some pathspecs of git, each
// without a slash, matches a file.
func isSourceOf(pathspecs []string) func(name string) bool {
	return func(name string) bool {
		top, _, _ := strings.Cut(name, "/")
		for _, spec := range pathspecs {
			prefix, isGlob := strings.CutSuffix(strings.TrimPrefix(spec, ":(glob)"), "*")
			if top == spec || isGlob && strings.HasPrefix(name, prefix) || name == "." {
				return true
			}
		}
		return false
	}
}

// Open implements [fs.FS].
func (o objects) Open(name string) (fs.File, error) {
	if o.listed(name) {
		return o.files.Open(name)
	}
	all, err := o.others("open", name)
	if err != nil {
		return nil, err
	}
	if e, ok := all.entries[name]; ok {
		text, err := o.blob(e)
		if err != nil {
			return nil, err
		}
		return fstest.MapFS{name: &fstest.MapFile{Data: text, Mode: e.mode}}.Open(name)
	}
	return all.MapFS.Open(name)
}

// ReadFile implements [fs.ReadFileFS].
func (o objects) ReadFile(name string) ([]byte, error) {
	if size, ok := o.large[name]; ok {
		return nil, plainfile.CheckSize(name, size, min(size-1, maxSize(name)))
	}
	if o.listed(name) {
		return fs.ReadFile(o.files, name)
	}
	all, err := o.others("open", name)
	if err != nil {
		return nil, err
	}
	if e, ok := all.entries[name]; ok {
		return o.blob(e)
	}
	return all.MapFS.ReadFile(name)
}

// blob returns the text of a file that is not listed.
func (o objects) blob(e indexEntry) ([]byte, error) {
	all, err := o.read([]indexEntry{e})
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: e.name, Err: err}
	}
	if size, ok := all.large[e.name]; ok {
		return nil, plainfile.CheckSize(e.name, size, min(size-1, maxSize(e.name)))
	}
	return all.texts[e.name], nil
}

// Lstat implements [fs.ReadLinkFS].
func (o objects) Lstat(name string) (fs.FileInfo, error) {
	if o.listed(name) {
		return o.files.Lstat(name)
	}
	all, err := o.others("lstat", name)
	if err != nil {
		return nil, err
	}
	return all.Lstat(name)
}

// ReadLink implements [fs.ReadLinkFS].
func (o objects) ReadLink(name string) (string, error) {
	if o.listed(name) {
		return o.files.ReadLink(name)
	}
	all, err := o.others("readlink", name)
	if err != nil {
		return "", err
	}
	return all.ReadLink(name)
}

// others returns the files that are not listed.
func (o objects) others(op, name string) (others, error) {
	all, err := o.rest()
	if err != nil {
		return all, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return all, nil
}
