package strictjson

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// A Position is a place in a file. The zero Position is unknown.
type Position struct {
	Line   int // from 1
	Column int // from 1, in code points; a tab is one
}

// A Source knows the positions of the values in a file. The zero Source is for a
// file that does not exist.
type Source struct {
	data   []byte
	starts []int // offsets of the lines
	marks  []int // number of characters before each stride of bytes
	root   node
}

// A node is a value in the file.
type node struct {
	offset int
	*children
}

// children are the values in a list, or the values and names in an object.
type children struct {
	offsets []int
	nested  []*children // of each, up to the last one that has any
	names   []name
	byName  map[string]int // the indexes of names, if there are many
}

type name struct {
	text   string
	offset int
}

func (c *children) add(n node) {
	c.offsets = append(c.offsets, n.offset)
	if n.children != nil {
		c.nested = append(c.nested, make([]*children, len(c.offsets)-1-len(c.nested))...)
		c.nested = append(c.nested, n.children)
	}
}

// manyNames is how many names of an object are too many to look through for each.
const manyNames = 32

// sortNames prepares looking for a name in an object that has all its names.
func (c *children) sortNames() {
	if len(c.names) <= manyNames {
		return
	}
	c.byName = make(map[string]int, len(c.names))
	for i, n := range c.names {
		c.byName[n.text] = i
	}
}

// index returns the index of the child with that name, or -1.
func (c *children) index(text string) int {
	if c.byName != nil {
		if i, ok := c.byName[text]; ok {
			return i
		}
		return -1
	}
	return slices.IndexFunc(c.names, func(n name) bool { return n.text == text })
}

// child returns the child that a token of a pointer means.
func (c *children) child(token string) (node, bool) {
	if c == nil {
		return node{}, false
	}
	i := c.index(token)
	if c.names == nil {
		var err error
		if i, err = strconv.Atoi(token); err != nil {
			return node{}, false
		}
	}
	if i < 0 || i >= len(c.offsets) {
		return node{}, false
	}
	n := node{offset: c.offsets[i]}
	if i < len(c.nested) {
		n.children = c.nested[i]
	}
	return n, true
}

// stride is the distance between offsets with a known count of characters, so that
// a column in a long line is not counted from the start of the line.
const stride = 256

func newSource(data []byte) *Source {
	s := &Source{
		data:   data,
		starts: make([]int, 1, 1+bytes.Count(data, []byte("\n"))),
		marks:  make([]int, 1, 1+len(data)/stride),
	}
	for i, total := stride, 0; i <= len(data); i += stride {
		total += characters(data[i-stride : i])
		s.marks = append(s.marks, total)
	}
	for i := 0; ; {
		n := bytes.IndexByte(data[i:], '\n')
		if n < 0 {
			return s
		}
		i += n + 1
		s.starts = append(s.starts, i)
	}
}

// characters counts the characters that begin in b. b may begin and end in the
// middle of a character.
func characters(b []byte) int {
	n := 0
	for _, c := range b {
		if c&0xc0 != 0x80 {
			n++
		}
	}
	return n
}

// before counts the characters that begin before offset.
func (s *Source) before(offset int) int {
	i := offset / stride
	return s.marks[i] + characters(s.data[i*stride:offset])
}

func (s *Source) position(offset int) Position {
	line, found := slices.BinarySearch(s.starts, offset)
	if found {
		line++
	}
	return Position{line, 1 + s.before(offset) - s.before(s.starts[line-1])}
}

// At returns the position of the value that p points to or, if that does not exist,
// of the innermost value that should contain it.
func (s *Source) At(p jsontext.Pointer) Position {
	if s == nil || s.starts == nil {
		return Position{}
	}
	n, _ := s.find(p)
	return s.position(n.offset)
}

// Items returns the positions of the items of the list that p points to, none if it
// does not exist.
func (s *Source) Items(p jsontext.Pointer) []Position {
	if s == nil || s.starts == nil {
		return nil
	}
	list, ok := s.find(p)
	if !ok || list.children == nil {
		return nil
	}
	positions := make([]Position, len(list.offsets))
	for i, offset := range list.offsets {
		positions[i] = s.position(offset)
	}
	return positions
}

// InString returns the position of a byte of the string that p points to. If that
// does not exist, it is the position of the value that should contain it.
func (s *Source) InString(p jsontext.Pointer, offset int) Position {
	if s == nil || s.starts == nil {
		return Position{}
	}
	n, ok := s.find(p)
	if !ok || s.data[n.offset] != '"' {
		return s.position(n.offset)
	}
	at := n.offset + 1
	for at < len(s.data) && s.data[at] != '"' {
		written, read := character(s.data[at:])
		if offset -= read; offset < 0 {
			break
		}
		at += written
	}
	return s.position(min(at, len(s.data)))
}

// character returns the length in bytes of the first character of text, the inside
// of a JSON string: as written and as read. Each byte of an unescaped character
// counts as one.
func character(text []byte) (written, read int) {
	switch {
	case text[0] != '\\':
		return 1, 1
	case len(text) < 6 || text[1] != 'u':
		return min(2, len(text)), 1
	}
	first := codeUnit(text)
	if second := codeUnit(text[6:]); utf16.DecodeRune(first, second) != utf8.RuneError {
		return 12, 4
	}
	return 6, utf8.RuneLen(first)
}

// codeUnit returns the number in \uXXXX, -1 if text does not begin with that.
func codeUnit(text []byte) rune {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}

// has reports whether the file has the value that p points to.
func (s *Source) has(p jsontext.Pointer) bool {
	if s == nil || s.starts == nil {
		return false
	}
	_, ok := s.find(p)
	return ok
}

// find returns the innermost existing value on the path p, and whether it is the
// one that p points to.
func (s *Source) find(p jsontext.Pointer) (node, bool) {
	n := s.root
	for token := range p.Tokens() {
		child, ok := n.child(token)
		if !ok {
			return n, false
		}
		n = child
	}
	return n, true
}
