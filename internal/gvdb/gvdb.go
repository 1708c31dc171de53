// Package gvdb reads the files of dconf and of the schemas of GSettings, which
// are hash tables of GVariant values.
//
// The programs that own these files treat a broken file as an empty one. This package checks
// each offset before it is used: a broken file is an error. If only one entry is broken, it
// is an error to read that one.
package gvdb

import (
	"encoding/binary"
	"errors"
	"fmt"

	"bkt/internal/gvariant"
)

const (
	signature  = "GVariant"
	headerSize = 24
	itemSize   = 24
	noParent   = 0xffffffff
	// maxNested is the maximum depth of names and of tables.
	maxNested = 64
)

// The kinds of items.
const (
	isValue = 'v'
	isTable = 'H'
	isList  = 'L' // of children, whose parents say the same
)

// A Table has values and other tables by name. They are read on demand.
type Table struct {
	file    file
	depth   int
	names   []string
	entries map[string]entry
}

type entry struct {
	kind       byte
	broken     bool // and the rest of the table is not
	start, end uint32
}

// Names returns the names of all values and tables in the order of the file.
func (t Table) Names() []string { return t.names }

// Value returns the value called name. ok reports whether it exists.
func (t Table) Value(name string) (v gvariant.Value, ok bool, err error) {
	e, ok := t.entries[name]
	if e.broken {
		return v, false, fmt.Errorf("%s: %w", name, errBroken)
	}
	if !ok || e.kind != isValue {
		return v, false, nil
	}
	v, err = gvariant.Decode("v", t.file.data[e.start:e.end])
	if err != nil {
		return v, false, fmt.Errorf("%s: %w", name, err)
	}
	return v.Inner()[0], true, nil
}

// Table returns the table called name. ok reports whether it exists.
func (t Table) Table(name string) (nested Table, ok bool, err error) {
	e, ok := t.entries[name]
	if e.broken {
		return nested, false, fmt.Errorf("%s: %w", name, errBroken)
	}
	if !ok || e.kind != isTable {
		return nested, false, nil
	}
	nested, err = t.file.table(e.start, e.end, t.depth+1)
	if err != nil {
		return nested, false, fmt.Errorf("%s: %w", name, err)
	}
	return nested, true, nil
}

// Parse parses the content of a file.
func Parse(data []byte) (Table, error) {
	if len(data) < headerSize || string(data[:8]) != signature {
		return Table{}, errors.New("is not a GVDB file of this computer's byte order")
	}
	if v := u32(data, 8); v != 0 {
		return Table{}, fmt.Errorf("has version %d of GVDB, and bkt reads version 0", v)
	}
	return file{data}.table(u32(data, 16), u32(data, 20), 0)
}

func u32(data []byte, at int) uint32 { return binary.LittleEndian.Uint32(data[at:]) }

type file struct{ data []byte }

var errBroken = errors.New("is broken")

// part returns a part of the file.
func (f file) part(start, end uint32) ([]byte, error) {
	if start > end || uint64(end) > uint64(len(f.data)) {
		return nil, errBroken
	}
	return f.data[start:end], nil
}

// table reads the table in a part of the file. A part without bytes is an empty table.
func (f file) table(start, end uint32, depth int) (Table, error) {
	t := Table{file: f, depth: depth, entries: map[string]entry{}}
	if start == end && depth > 0 {
		return t, nil
	}
	items, err := f.items(start, end)
	if err != nil || depth > maxNested {
		return Table{}, errBroken
	}
	names := make([]string, len(items)/itemSize)
	var isParent []bool
	for i := range names {
		names[i], err = f.name(items, i, names)
		if err != nil {
			return Table{}, err
		}
		item := items[i*itemSize:]
		if isRoot(names[i]) && item[14] != isList {
			if isParent == nil {
				isParent = parents(items)
			}
			if !isParent[i] {
				continue
			}
		}
		if e := f.entry(item); e.kind != isList || e.broken {
			t.names, t.entries[names[i]] = append(t.names, names[i]), e
		}
	}
	return t, nil
}

// isRoot reports whether a name is that of the folder of all names. GLib and dconf write it
// into a table in which no name is below it, too, with a kind and a place that they leave
// to chance.
func isRoot(name string) bool { return name == "" || name == "/" }

// parents reports for each item whether its name begins that of another.
func parents(items []byte) []bool {
	are := make([]bool, len(items)/itemSize)
	for at := 0; at < len(items); at += itemSize {
		if parent := u32(items, at+4); uint64(parent) < uint64(len(are)) {
			are[parent] = true
		}
	}
	return are
}

// items returns the items of a table, without its Bloom filter and hash buckets.
func (f file) items(start, end uint32) ([]byte, error) {
	data, err := f.part(start, end)
	if err != nil || len(data) < 8 || start%4 != 0 {
		return nil, errBroken
	}
	const bloomBits = 27
	skip := 8 + 4*(uint64(u32(data, 0))&(1<<bloomBits-1)+uint64(u32(data, 4)))
	if skip > uint64(len(data)) || (uint64(len(data))-skip)%itemSize != 0 {
		return nil, errBroken
	}
	return data[skip:], nil
}

// name returns the name of an item, which begins with the names of its parents. names has
// one element for each item.
func (f file) name(items []byte, i int, names []string) (string, error) {
	name := ""
	for range maxNested {
		item := items[i*itemSize:]
		start := u32(item, 8)
		part, err := f.part(start, start+uint32(binary.LittleEndian.Uint16(item[12:])))
		if err != nil {
			return "", err
		}
		name = string(part) + name
		parent := u32(item, 4)
		if parent == noParent {
			return name, nil
		}
		if uint64(parent) >= uint64(len(names)) {
			return "", errBroken
		}
		i = int(parent)
	}
	return "", errBroken
}

func (f file) entry(item []byte) entry {
	e := entry{kind: item[14], start: u32(item, 16), end: u32(item, 20)}
	_, err := f.part(e.start, e.end)
	e.broken = err != nil || e.kind != isValue && e.kind != isTable && e.kind != isList
	return e
}
