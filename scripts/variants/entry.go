package main

import (
	"archive/tar"
	"path"
)

// An entry is a file, or something in its place, in a layer.
type entry struct {
	tar.Header
	text string
}

// A layer is a list of entries, of which each folder must be there or come before what
// is in it.
type layer struct {
	history     string
	annotations map[string]string
	entries     []entry
}

func file(name, text string) entry { return program(name, text, 0o644) }

func program(name, text string, mode int64) entry {
	return entry{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode}, text}
}

func folder(name string) entry {
	return entry{Header: tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755}}
}

func symlink(name, target string) entry {
	return entry{Header: tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777}}
}

// hardLink is another name of a file of the same layer.
func hardLink(name, other string) entry {
	return entry{Header: tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: other, Mode: 0o644}}
}

// removed is the whiteout of something in a layer below.
func removed(name string) entry {
	return file(path.Join(path.Dir(name), ".wh."+path.Base(name)), "")
}

// emptied is the whiteout of everything that layers below have in a folder.
func emptied(name string) entry { return file(path.Join(name, ".wh..wh..opq"), "") }

// with adds an extended attribute.
func (e entry) with(attribute, value string) entry {
	e.PAXRecords = map[string]string{"SCHILY.xattr." + attribute: value}
	return e
}
