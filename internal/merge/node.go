package merge

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json/jsontext"
)

// A node is a JSON value; nil: it does not exist. Nodes are not changed once they exist.
type node struct {
	kind   jsontext.Kind // '{', '[', or that of a scalar
	text   string        // of a scalar, as it is written
	names  []string      // of the fields of an object, in order
	fields map[string]*node
	items  []*node // of a list
	line   int     // in its file
}

// maxDepth is the maximum nesting of lists and objects. A manifest has fewer, and each
// conflict adds two.
const maxDepth = 128

var errTooDeep = fmt.Errorf("more than %d levels of lists and objects, the limit", maxDepth)

// parse returns the value in data.
func parse(data []byte) (*node, error) {
	p := parser{tokens: jsontext.NewDecoder(bytes.NewReader(data)), data: data}
	n, err := p.value()
	if err == nil && len(bytes.TrimSpace(data[p.tokens.InputOffset():])) > 0 {
		err = fmt.Errorf("unexpected text after the end of the object")
	}
	return n, err
}

type parser struct {
	tokens *jsontext.Decoder
	data   []byte
	offset int // up to which lines are counted
	line   int // line breaks before offset
}

func (p *parser) value() (*node, error) {
	if p.tokens.StackDepth() > maxDepth {
		return nil, errTooDeep
	}
	kind := p.tokens.PeekKind()
	token, err := p.tokens.ReadToken()
	if err != nil {
		return nil, err
	}
	n := &node{kind: kind, line: p.lineNow()}
	switch kind {
	case '{':
		return n, p.members(n)
	case '[':
		return n, p.elements(n)
	case '"':
		n.text = quote(token.String())
	default:
		n.text = token.String()
	}
	return n, nil
}

// lineNow returns the line of the token that was read last.
func (p *parser) lineNow() int {
	now := int(p.tokens.InputOffset())
	p.line += bytes.Count(p.data[p.offset:now], []byte("\n"))
	p.offset = now
	return p.line + 1
}

func (p *parser) members(n *node) error {
	n.fields = map[string]*node{}
	for p.tokens.PeekKind() != '}' {
		name, err := p.tokens.ReadToken()
		if err != nil {
			return err
		}
		text := name.String()
		value, err := p.value()
		if err != nil {
			return err
		}
		n.set(text, value)
	}
	_, err := p.tokens.ReadToken()
	return err
}

func (p *parser) elements(n *node) error {
	for p.tokens.PeekKind() != ']' {
		item, err := p.value()
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
	_, err := p.tokens.ReadToken()
	return err
}

// set adds a field, unless the value does not exist.
func (n *node) set(name string, value *node) {
	if value == nil {
		return
	}
	if _, ok := n.fields[name]; !ok {
		n.names = append(n.names, name)
	}
	n.fields[name] = value
}

// is reports whether the value exists and has that kind.
func (n *node) is(kind jsontext.Kind) bool { return n != nil && n.kind == kind }

// field returns a field of an object, nil for any other value.
func (n *node) field(name string) *node {
	if n == nil {
		return nil
	}
	return n.fields[name]
}

// same reports whether two values are equal. The order of fields does not count.
func same(a, b *node) bool {
	if a == nil || b == nil || a.kind != b.kind {
		return a == b
	}
	return a.text == b.text && maps.EqualFunc(a.fields, b.fields, same) && slices.EqualFunc(a.items, b.items, same)
}

// quote returns a string as JSON, as package strictjson writes it.
func quote(s string) string {
	text, err := jsontext.AppendQuote(nil, s)
	if err != nil { // it is not UTF-8, which no decoder returns
		return `""`
	}
	return string(text)
}

func object() *node { return &node{kind: '{', fields: map[string]*node{}} }

// write returns the text of a manifest, in the layout of [strictjson.Encode].
func write(n *node) []byte {
	var b strings.Builder
	n.write(&b, "\n")
	return []byte(b.String() + "\n")
}

func (n *node) write(b *strings.Builder, newline string) {
	within := newline + "  "
	switch {
	case n == nil:
		b.WriteString("null")
	case n.kind == '{':
		b.WriteByte('{')
		for i, name := range n.names {
			separate(b, i, within)
			b.WriteString(quote(name) + ": ")
			n.fields[name].write(b, within)
		}
		end(b, len(n.names), newline, '}')
	case n.kind == '[':
		b.WriteByte('[')
		for i, item := range n.items {
			separate(b, i, within)
			item.write(b, within)
		}
		end(b, len(n.items), newline, ']')
	default:
		b.WriteString(n.text)
	}
}

func separate(b *strings.Builder, i int, newline string) {
	if i > 0 {
		b.WriteByte(',')
	}
	b.WriteString(newline)
}

func end(b *strings.Builder, members int, newline string, char byte) {
	if members > 0 {
		b.WriteString(newline)
	}
	b.WriteByte(char)
}

// conflict returns what takes the place of a value in conflict. If base is a conflict of
// an earlier merge, its own base takes its place.
func conflict(ours, theirs, base *node) *node {
	if c, ok := parseConflict(base); ok {
		base = c.field("base")
	}
	sides := object()
	for i, name := range []string{"ours", "theirs", "base"} {
		value := []*node{ours, theirs, base}[i]
		if value == nil {
			value = &node{kind: 'n', text: "null"}
		}
		sides.set(name, value)
	}
	whole := object()
	whole.set("conflict", sides)
	return whole
}

// parseConflict returns the object with the sides of a value in conflict.
func parseConflict(n *node) (sides *node, ok bool) {
	if n == nil || len(n.names) != 1 || n.names[0] != "conflict" {
		return nil, false
	}
	_, ok = strictjson.ParseConflict(write(n))
	return n.field("conflict"), ok
}
