// Package gvdbtest writes files of dconf, for tests and for their stand-in of dconf.
package gvdbtest

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"bkt/internal/gvariant"
)

// A Table has values, by path, and other tables, by name.
type Table struct {
	Values map[string]gvariant.Value
	Tables map[string]Table
}

// File returns the content of a file with t.
func File(t Table) []byte {
	w := &writer{data: make([]byte, 24)}
	copy(w.data, "GVariant")
	start, end := w.table(t)
	binary.LittleEndian.PutUint32(w.data[16:], start)
	binary.LittleEndian.PutUint32(w.data[20:], end)
	return w.data
}

type writer struct{ data []byte }

type item struct {
	name, part string
	parent     uint32
	kind       byte
	children   []uint32
}

// items returns an item for each name, and for each of its folders.
func items(t Table) []item {
	names := map[string]byte{}
	for name := range t.Values {
		names[name] = 'v'
		for i := range len(name) {
			if name[i] == '/' {
				names[name[:i+1]] = 'L'
			}
		}
	}
	for name := range t.Tables {
		names[name] = 'H'
	}
	var all []item
	at := map[string]uint32{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		i := item{name, name, 0xffffffff, names[name], nil}
		folder := name[:strings.LastIndexByte(strings.TrimSuffix(name, "/"), '/')+1]
		if p, ok := at[folder]; ok && folder != "" {
			i.parent, i.part = p, name[len(folder):]
			all[p].children = append(all[p].children, uint32(len(all)))
		}
		at[name] = uint32(len(all))
		all = append(all, i)
	}
	return all
}

// table writes a table with all items in one bucket, in any order.
func (w *writer) table(t Table) (start, end uint32) {
	all := items(t)
	w.align(4)
	head := len(w.data)
	w.data = append(w.data, make([]byte, 12+24*len(all))...)
	if len(all) > 0 {
		binary.LittleEndian.PutUint32(w.data[head+4:], 1)
	} else {
		w.data = w.data[:head+8]
	}
	end = uint32(len(w.data))
	for n, i := range all {
		w.item(t, i, head+12+24*n)
	}
	return uint32(head), end
}

func (w *writer) item(t Table, i item, at int) {
	key := w.append([]byte(i.part), 1)
	var start, end uint32
	switch i.kind {
	case 'v':
		value := gvariant.NewVariant(t.Values[i.name]).Encode()
		start = w.append(value, 8)
		end = start + uint32(len(value))
	case 'H':
		start, end = w.table(t.Tables[i.name])
	case 'L':
		var list []byte
		for _, c := range i.children {
			list = binary.LittleEndian.AppendUint32(list, c)
		}
		start = w.append(list, 4)
		end = start + uint32(len(list))
	}
	b := w.data[at:]
	binary.LittleEndian.PutUint32(b, hash(i.name))
	binary.LittleEndian.PutUint32(b[4:], i.parent)
	binary.LittleEndian.PutUint32(b[8:], key)
	binary.LittleEndian.PutUint16(b[12:], uint16(len(i.part)))
	b[14] = i.kind
	binary.LittleEndian.PutUint32(b[16:], start)
	binary.LittleEndian.PutUint32(b[20:], end)
}

func (w *writer) align(to int) {
	for len(w.data)%to != 0 {
		w.data = append(w.data, 0)
	}
}

func (w *writer) append(b []byte, align int) uint32 {
	w.align(align)
	start := len(w.data)
	w.data = append(w.data, b...)
	return uint32(start)
}

func hash(name string) uint32 {
	h := uint32(5381)
	for _, c := range []byte(name) {
		h = h*33 + uint32(int32(int8(c)))
	}
	return h
}
