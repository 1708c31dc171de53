package gvariant

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

var errForm = errors.New("is not in GVariant's serialised form")

// Decode returns the value of type t with the serialised form data. Unlike GLib, which
// replaces invalid parts by defaults, it returns an error if data is invalid.
func Decode(t string, data []byte) (Value, error) {
	if !Valid(t) {
		return Value{}, fmt.Errorf("%q is not a type", t)
	}
	return decode(t, data, 0)
}

func decode(t string, data []byte, depth int) (Value, error) {
	n := fixed(t)
	if depth > maxDepth || n > 0 && len(data) != n {
		return Value{}, errForm
	}
	var inner []Value
	var err error
	switch t[0] {
	case 's', 'o', 'g':
		return decodeString(t, data)
	case 'v':
		inner, err = decodeVariant(data, depth)
	case 'm':
		inner, err = decodeMaybe(t[1:], data, depth)
	case 'a':
		inner, err = decodeArray(t[1:], data, depth)
	case '(', '{':
		inner, err = decodeTuple(members(t), data, depth)
	default:
		return decodeNumber(t, data)
	}
	return Value{t, inner}, err
}

func decodeNumber(t string, data []byte) (Value, error) {
	var d any
	switch t {
	case "b":
		if data[0] > 1 {
			return Value{}, errForm
		}
		d = data[0] == 1
	case "y":
		d = data[0]
	case "n":
		d = int16(binary.LittleEndian.Uint16(data))
	case "q":
		d = binary.LittleEndian.Uint16(data)
	case "i", "h":
		d = int32(binary.LittleEndian.Uint32(data))
	case "u":
		d = binary.LittleEndian.Uint32(data)
	case "x":
		d = int64(binary.LittleEndian.Uint64(data))
	case "t":
		d = binary.LittleEndian.Uint64(data)
	case "d":
		d = math.Float64frombits(binary.LittleEndian.Uint64(data))
	}
	return Value{t, d}, nil
}

func decodeString(t string, data []byte) (Value, error) {
	n := len(data) - 1
	if n < 0 || strings.IndexByte(string(data), 0) != n || !validString(t, string(data[:n])) {
		return Value{}, errForm
	}
	return Value{t, string(data[:n])}, nil
}

// validString reports whether s is a string, an object path or a signature.
func validString(t, s string) bool {
	switch t {
	case "o":
		return validPath(s)
	case "g":
		return len(s) <= 255 && validSignature(s)
	}
	return utf8.ValidString(s) && !strings.Contains(s, "\x00")
}

func validSignature(s string) bool {
	for s != "" {
		_, rest, ok := cut(s, 0)
		if !ok {
			return false
		}
		s = rest
	}
	return true
}

func validPath(s string) bool {
	if s == "/" {
		return true
	}
	if !strings.HasPrefix(s, "/") {
		return false
	}
	for _, part := range strings.Split(s[1:], "/") {
		if part == "" || strings.Trim(part, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			return false
		}
	}
	return true
}

func decodeVariant(data []byte, depth int) ([]Value, error) {
	i := strings.LastIndexByte(string(data), 0)
	if i < 0 || !Valid(string(data[i+1:])) {
		return nil, errForm
	}
	v, err := decode(string(data[i+1:]), data[:i], depth+1)
	return []Value{v}, err
}

func decodeMaybe(t string, data []byte, depth int) ([]Value, error) {
	if len(data) == 0 {
		return nil, nil
	}
	if fixed(t) == 0 {
		if data[len(data)-1] != 0 {
			return nil, errForm
		}
		data = data[:len(data)-1]
	}
	v, err := decode(t, data, depth+1)
	return []Value{v}, err
}

func decodeArray(t string, data []byte, depth int) ([]Value, error) {
	ends, err := arrayEnds(t, data)
	if err != nil {
		return nil, err
	}
	var all []Value
	start := 0
	for _, end := range ends {
		start = aligned(start, alignment(t))
		if start > end {
			return nil, errForm
		}
		v, err := decode(t, data[start:end], depth+1)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
		start = end
	}
	return all, nil
}

// arrayEnds returns the ends of the elements of an array.
func arrayEnds(t string, data []byte) ([]int, error) {
	if len(data) == 0 {
		return nil, nil
	}
	if n := fixed(t); n > 0 {
		if len(data)%n != 0 {
			return nil, errForm
		}
		ends := make([]int, len(data)/n)
		for i := range ends {
			ends[i] = (i + 1) * n
		}
		return ends, nil
	}
	w := offsetWidth(len(data))
	last, ok := offset(data, len(data)-w, w, len(data)-w)
	if !ok || (len(data)-last)%w != 0 {
		return nil, errForm
	}
	ends := make([]int, (len(data)-last)/w)
	for i := range ends {
		if ends[i], ok = offset(data, last+i*w, w, last); !ok {
			return nil, errForm
		}
	}
	return ends, nil
}

// offset reads an offset that is w bytes wide and may be at most limit.
func offset(data []byte, at, w, limit int) (int, bool) {
	if at < 0 || at+w > len(data) {
		return 0, false
	}
	var wide [8]byte
	copy(wide[:], data[at:at+w])
	n := binary.LittleEndian.Uint64(wide[:])
	return int(n), limit >= 0 && n <= uint64(limit)
}

// offsetWidth returns the width in bytes of the offsets in a container of this size.
func offsetWidth(size int) int {
	switch {
	case size <= math.MaxUint8:
		return 1
	case size <= math.MaxUint16:
		return 2
	case size <= math.MaxUint32:
		return 4
	}
	return 8
}

func decodeTuple(types []string, data []byte, depth int) ([]Value, error) {
	if len(types) == 0 && string(data) != "\x00" {
		return nil, errForm
	}
	all := []Value{}
	w, start, table := offsetWidth(len(data)), 0, len(data)
	for _, t := range types {
		if fixed(t) == 0 {
			table -= w
		}
	}
	if len(types) > 0 && fixed(types[len(types)-1]) == 0 {
		table += w // the last one ends where the table begins
	}
	next := len(data)
	for i, t := range types {
		start = aligned(start, alignment(t))
		end, ok := start+fixed(t), true
		switch {
		case fixed(t) > 0:
		case i == len(types)-1:
			end = table
		default:
			next -= w
			end, ok = offset(data, next, w, table)
		}
		if !ok || start > end || end > table {
			return nil, errForm
		}
		v, err := decode(t, data[start:end], depth+1)
		if err != nil {
			return nil, err
		}
		all, start = append(all, v), end
	}
	return all, nil
}
