// Package gvariant reads and writes the values of GSettings: GVariant, in its
// text and in its serialised form (little endian).
//
// Libraries for D-Bus cannot replace it: their values lack "maybe", and their parsers lack
// tuples.
package gvariant

import "strings"

const (
	basic = "bynqiuxthdsog"
	// maxDepth is the maximum depth of values in GLib.
	maxDepth = 64
)

// Valid reports whether t is the type of a value.
func Valid(t string) bool {
	first, rest, ok := cut(t, 0)
	return ok && rest == "" && first != ""
}

// cut cuts a type off the front of types.
func cut(types string, depth int) (first, rest string, ok bool) {
	if types == "" || depth > maxDepth {
		return "", types, false
	}
	n := 1
	switch c := types[0]; {
	case c == 'v', strings.IndexByte(basic, c) >= 0:
	case c == 'a', c == 'm':
		element, _, ok := cut(types[1:], depth+1)
		if !ok {
			return "", types, false
		}
		n += len(element)
	case c == '(', c == '{':
		inner, ok := inside(types, depth)
		if !ok {
			return "", types, false
		}
		n += inner + 1
	default:
		return "", types, false
	}
	return types[:n], types[n:], true
}

// inside returns the length of the text within the brackets at the start of types.
func inside(types string, depth int) (int, bool) {
	rest, members := types[1:], 0
	for {
		if rest == "" {
			return 0, false
		}
		if types[0] == '(' && rest[0] == ')' || types[0] == '{' && rest[0] == '}' && members == 2 {
			return len(types) - len(rest) - 1, true
		}
		if types[0] == '{' && members == 0 && strings.IndexByte(basic, rest[0]) < 0 {
			return 0, false
		}
		_, after, ok := cut(rest, depth+1)
		if !ok {
			return 0, false
		}
		rest, members = after, members+1
	}
}

// members returns the types in a tuple or an entry of a dictionary.
func members(t string) []string {
	var all []string
	for rest := t[1 : len(t)-1]; rest != ""; {
		var first string
		first, rest, _ = cut(rest, 0)
		all = append(all, first)
	}
	return all
}

// alignment returns the number whose multiples are the offsets of values of a type.
func alignment(t string) int {
	switch t[0] {
	case 'n', 'q':
		return 2
	case 'i', 'u', 'h':
		return 4
	case 'x', 't', 'd', 'v':
		return 8
	case 'a', 'm':
		return alignment(t[1:])
	case '(', '{':
		most := 1
		for _, m := range members(t) {
			most = max(most, alignment(m))
		}
		return most
	}
	return 1
}

// fixed returns the size of all values of a type, 0 if their sizes differ.
func fixed(t string) int {
	switch t[0] {
	case 'b', 'y':
		return 1
	case 'n', 'q', 'i', 'u', 'h', 'x', 't', 'd':
		return alignment(t)
	case '(', '{':
		return fixedTuple(t)
	}
	return 0
}

func fixedTuple(t string) int {
	size := 0
	for _, m := range members(t) {
		n := fixed(m)
		if n == 0 {
			return 0
		}
		size = aligned(size, alignment(m)) + n
	}
	return max(1, aligned(size, alignment(t)))
}

func aligned(n, to int) int { return (n + to - 1) / to * to }
