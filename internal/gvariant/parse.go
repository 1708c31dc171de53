package gvariant

import (
	"strings"
)

// Parse parses a value of type t, like "gsettings set": the text needs no type. If t is
// empty, the text determines the type, as for "dconf load".
func Parse(t, text string) (Value, error) {
	s := &scanner{text: text}
	n, err := s.node(0)
	if err == nil && s.peek() != 0 {
		err = s.errorf("something follows the value")
	}
	if err != nil {
		return Value{}, err
	}
	if t == "" {
		if t, err = n.infer(); err != nil {
			return Value{}, err
		}
	}
	return n.build(t)
}

// A node is a value without its final type.
type node struct {
	kind  byte   // one of [(:{<'b#tjn@: see below
	text  string // of a string or number; the type, after an @
	inner []node
	at    *scanner
}

// The kinds of nodes.
const (
	isArray   = '['
	isTuple   = '('
	isEntry   = ':'
	isDict    = '{'
	isVariant = '<'
	isString  = '\''
	isBytes   = 'b'
	isNumber  = '#'
	isBool    = 't'
	isJust    = 'j'
	isNothing = 'n'
	isTyped   = '@'
)

func (s *scanner) node(depth int) (node, error) {
	if depth > maxDepth {
		return node{}, s.errorf("the value is nested too deep")
	}
	switch c := s.peek(); c {
	case 0:
		return node{}, s.errorf("a value is missing")
	case '[', '(':
		return s.list(c, depth)
	case '{':
		return s.dict(depth)
	case '<':
		return s.variant(depth)
	case '\'', '"':
		return s.str()
	case '@':
		s.at++
		t, err := s.typeName()
		if err != nil {
			return node{}, err
		}
		return s.wrap(isTyped, t, depth)
	}
	return s.keyword(depth)
}

func (s *scanner) here(kind byte, text string, inner ...node) node {
	return node{kind, text, inner, &scanner{s.text, s.at}}
}

// wrap reads the value after a type or "just".
func (s *scanner) wrap(kind byte, text string, depth int) (node, error) {
	at := s.here(kind, text)
	inner, err := s.node(depth + 1)
	at.inner = []node{inner}
	return at, err
}

func (s *scanner) str() (node, error) {
	at := s.here(isString, "")
	raw, err := s.quoted()
	if err != nil {
		return at, err
	}
	if at.text, err = unescape(raw); err != nil {
		return at, at.at.errorf("%v", err)
	}
	return at, nil
}

func (s *scanner) byteString() (node, error) {
	at := s.here(isBytes, "")
	raw, err := s.quoted()
	if err != nil {
		return at, err
	}
	b, err := unescapeBytes(raw)
	if err != nil {
		return at, at.at.errorf("%v", err)
	}
	at.text = string(b) + "\x00"
	return at, nil
}

// keyword reads a word: a number, true, a type and the value that follows it.
func (s *scanner) keyword(depth int) (node, error) {
	start := s.at
	at := s.here(isNumber, "")
	at.text = s.word()
	switch at.text {
	case "true", "false":
		at.kind = isBool
		return at, nil
	case "nothing":
		at.kind = isNothing
		return at, nil
	case "just":
		return s.wrap(isJust, "", depth)
	case "b":
		if s.at < len(s.text) && (s.text[s.at] == '\'' || s.text[s.at] == '"') {
			return s.byteString()
		}
	case "inf", "+inf", "-inf", "nan":
		return at, nil
	}
	if t, ok := typeOf(at.text); ok {
		return s.wrap(isTyped, t, depth)
	}
	if at.text == "" || strings.IndexByte("0123456789+-.", at.text[0]) < 0 {
		s.at = start
		if at.text == "" {
			return at, s.errorf("a value is missing")
		}
		return at, s.errorf("%q is not a value; strings need quotes", at.text)
	}
	return at, nil
}

// typeOf returns the type of a keyword, and whether word is one.
func typeOf(word string) (string, bool) {
	switch word {
	case "boolean":
		return "b", true
	case "int32":
		return "i", true
	case "double":
		return "d", true
	case "string":
		return "s", true
	}
	for t, k := range keywords {
		if k == word+" " {
			return t, true
		}
	}
	return "", false
}

func (s *scanner) list(open byte, depth int) (node, error) {
	s.at++
	end := map[byte]byte{'[': ']', '(': ')'}[open]
	at := s.here(open, "")
	for !s.accept(end) {
		if len(at.inner) > 0 && !s.accept(',') {
			return at, s.errorf("%q or a comma is missing", end)
		}
		if open == '(' && len(at.inner) == 1 && s.accept(end) {
			return at, nil // (1,)
		}
		inner, err := s.node(depth + 1)
		if err != nil {
			return at, err
		}
		at.inner = append(at.inner, inner)
		if open == '(' && len(at.inner) == 1 && s.peek() == ')' {
			return at, s.errorf("a tuple of one is written (1,)")
		}
	}
	return at, nil
}

// dict reads a dictionary, {'a': 1}, or a single entry, {'a', 1}.
func (s *scanner) dict(depth int) (node, error) {
	s.at++
	at := s.here(isDict, "")
	for !s.accept('}') {
		if len(at.inner) > 0 && !s.accept(',') {
			return at, s.errorf("%q or a comma is missing", '}')
		}
		entry := s.here(isEntry, "")
		key, err := s.node(depth + 1)
		if err != nil {
			return at, err
		}
		alone := len(at.inner) == 0 && s.accept(',')
		if !alone && !s.accept(':') {
			return at, s.errorf("a colon is missing")
		}
		value, err := s.node(depth + 1)
		if err != nil {
			return at, err
		}
		entry.inner = []node{key, value}
		if alone && s.accept('}') {
			return entry, nil
		}
		if alone {
			return at, s.errorf("%q is missing", '}')
		}
		at.inner = append(at.inner, entry)
	}
	return at, nil
}

func (s *scanner) variant(depth int) (node, error) {
	s.at++
	at, err := s.wrap(isVariant, "", depth)
	if err == nil && !s.accept('>') {
		err = s.errorf("%q is missing", '>')
	}
	return at, err
}
