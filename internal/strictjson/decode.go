package strictjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"bkt/internal/hint"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A decoder reads a file token by token, records the position of each value, and
// stores the value by its type. It reports a wrong value, skips it and reads on, so
// that all mistakes are reported at once.
type decoder struct {
	*Report
	data   []byte
	tokens *jsontext.Decoder
	fields map[reflect.Type][]field
}

func newDecoder(name string, data []byte) *decoder {
	return &decoder{
		Report: &Report{file: name, source: newSource(data)},
		data:   data,
		tokens: jsontext.NewDecoder(bytes.NewBuffer(data)), // read in place
		fields: map[reflect.Type][]field{},
	}
}

// errStop says that reading cannot continue, for a reason that is already reported.
var errStop = errors.New("cannot be read further")

// file reads all of the file into v.
func (d *decoder) file(v reflect.Value) (err error) {
	if d.after(blank) == len(d.data) {
		d.Add("", hint.Add(errors.New("the file is empty"), "write an object, at least {}"))
		return errStop
	}
	if d.source.root, err = d.value(v); err != nil {
		return err
	}
	if end := d.after(blank); end < len(d.data) {
		d.addAt(d.source.position(end), "", errors.New("unexpected text after the end of the object"))
		return errStop
	}
	return nil
}

const blank = " \t\r\n"

// next returns the offset of the next token within the object.
func (d *decoder) next() int { return d.after(blank + ",:") }

// after returns the offset of the text, or of the end of the file, after the last
// token and any characters in skipped.
func (d *decoder) after(skipped string) int {
	read := int(d.tokens.InputOffset())
	return len(d.data) - len(bytes.TrimLeft(d.data[read:], skipped))
}

// maxDepth is how many lists and objects may be in each other. Manifests have four; what
// reads a value calls itself for each.
const maxDepth = 64

// tooDeep reports a list or object that would be in too many others.
func (d *decoder) tooDeep(kind jsontext.Kind) error {
	if kind != '{' && kind != '[' || d.tokens.StackDepth() < maxDepth {
		return nil
	}
	err := fmt.Errorf("more than %d levels of lists and objects, the limit", maxDepth)
	d.addAt(d.source.position(d.next()), "", err)
	return errStop
}

// value reads a value into v.
func (d *decoder) value(v reflect.Value) (node, error) {
	kind := d.tokens.PeekKind()
	if n, ok, err := d.inConflict(kind, v.Type()); ok {
		return n, err
	}
	if !fits(kind, v.Type()) {
		n, err := d.skip()
		if err == nil {
			d.mismatch(n, kind, v.Type())
		}
		return n, err
	}
	switch formOf(v.Type()) {
	case reflect.Struct:
		return d.object(v)
	case reflect.Map:
		return d.mapping(v)
	case reflect.Slice:
		return d.list(v)
	case reflect.String:
		n := node{offset: d.next()}
		token, err := d.token()
		v.SetString(token.String())
		return n, err
	case reflect.Interface:
		return d.value(reflect.ValueOf(v.Addr().Interface().(Union).Form(kind)).Elem())
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return d.value(v.Elem())
	default:
		return d.other(v)
	}
}

// object reads an object whose fields are known.
func (d *decoder) object(v reflect.Value) (node, error) {
	fields := d.fieldsOf(v.Type())
	return d.members(func(text string, offset int) (node, error) {
		for _, f := range fields {
			if f.name == text {
				return d.value(v.FieldByIndex(f.index))
			}
		}
		d.unknown(text, offset, fields)
		return d.skip()
	})
}

// mapping reads an object whose names the user chooses.
func (d *decoder) mapping(v reflect.Value) (node, error) {
	v.Set(reflect.MakeMap(v.Type()))
	return d.members(func(text string, _ int) (node, error) {
		item := reflect.New(v.Type().Elem()).Elem()
		n, err := d.value(item)
		v.SetMapIndex(reflect.ValueOf(text).Convert(v.Type().Key()), item)
		return n, err
	})
}

func (d *decoder) list(v reflect.Value) (node, error) {
	return d.elements(func(i int) (node, error) {
		v.Grow(1)
		v.SetLen(i + 1)
		v.Index(i).SetZero()
		return d.value(v.Index(i))
	})
}

// other reads a value whose type reads itself.
func (d *decoder) other(v reflect.Value) (node, error) {
	n, err := d.skip()
	if err != nil {
		return n, err
	}
	text := d.data[n.offset:d.tokens.InputOffset()]
	if err := json.Unmarshal(text, v.Addr().Interface(), json.RejectUnknownMembers(true)); err != nil {
		d.refused(n, text, v.Type(), err)
	}
	return n, nil
}

// skip reads a value and records its position only.
func (d *decoder) skip() (node, error) {
	kind := d.tokens.PeekKind()
	if err := d.tooDeep(kind); err != nil {
		return node{}, err
	}
	switch kind {
	case '{':
		return d.members(func(string, int) (node, error) { return d.skip() })
	case '[':
		return d.elements(func(int) (node, error) { return d.skip() })
	}
	n := node{offset: d.next()}
	_, err := d.token()
	return n, err
}

// members reads an object, and calls read for each of its values.
func (d *decoder) members(read func(text string, offset int) (node, error)) (node, error) {
	n := node{d.next(), &children{names: []name{}}}
	_, err := d.token()
	for err == nil && d.tokens.PeekKind() != '}' {
		offset := d.next()
		var token jsontext.Token
		token, err = d.tokens.ReadToken()
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return n, d.duplicate(n, err)
		}
		if err != nil {
			return n, d.broken(err)
		}
		text := token.String()
		n.names = append(n.names, name{text, offset})
		var child node
		child, err = read(text, offset)
		n.add(child)
	}
	if err == nil {
		_, err = d.token()
	}
	n.sortNames()
	return n, err
}

// elements reads a list, and calls read for each of its values.
func (d *decoder) elements(read func(i int) (node, error)) (node, error) {
	n := node{d.next(), &children{}}
	_, err := d.token()
	for i := 0; err == nil && d.tokens.PeekKind() != ']'; i++ {
		var child node
		child, err = read(i)
		n.add(child)
	}
	if err == nil {
		_, err = d.token()
	}
	return n, err
}

func (d *decoder) token() (jsontext.Token, error) {
	token, err := d.tokens.ReadToken()
	if err != nil {
		return jsontext.Null, d.broken(err)
	}
	return token, nil
}

// broken reports an error of syntax.
func (d *decoder) broken(err error) error {
	failure, ok := errors.AsType[*jsontext.SyntacticError](err)
	if !ok { // the end of the file, which is not wrapped at the very start
		failure = &jsontext.SyntacticError{Err: io.ErrUnexpectedEOF}
	}
	if errors.Is(failure, io.ErrUnexpectedEOF) { // the offset is that of the unfinished token
		failure.ByteOffset = int64(len(d.data))
	}
	err = explain(d.data, failure)
	if d.tokens.StackDepth() == 0 && !errors.Is(err, errMarkers) {
		err = hint.Add(err, "the file must have a JSON object: { … }")
	}
	d.addAt(d.source.position(int(failure.ByteOffset)), failure.JSONPointer, err)
	return errStop
}

// duplicate reports a repeated name in the object n.
func (d *decoder) duplicate(n node, err error) error {
	failure, _ := errors.AsType[*jsontext.SyntacticError](err)
	text := failure.JSONPointer.LastToken()
	first := ""
	if i := n.index(text); i >= 0 {
		pos := d.source.position(n.names[i].offset)
		first = fmt.Sprintf(" (first at %d:%d)", pos.Line, pos.Column)
	}
	err = fmt.Errorf("duplicate field %s%s", Quote(text), first)
	d.addAt(d.source.position(int(failure.ByteOffset)), failure.JSONPointer, err)
	return errStop
}

// unknown reports a field that the object does not have.
func (d *decoder) unknown(text string, offset int, fields []field) {
	if d.full() {
		return
	}
	var known []string
	for _, f := range fields {
		known = append(known, f.name)
	}
	err := fmt.Errorf("unknown field %s", Quote(text))
	if near, ok := Nearest(text, known); ok {
		err = fmt.Errorf("%w (did you mean %q?)", err, near)
	}
	err = hint.Add(err, "the fields here are %s", strings.Join(known, ", "))
	d.addAt(d.source.position(offset), d.tokens.StackPointer(), err)
}

// mismatch reports a value of the wrong type.
func (d *decoder) mismatch(n node, kind jsontext.Kind, t reflect.Type) {
	if d.full() {
		return
	}
	p := d.tokens.StackPointer()
	err := fmt.Errorf("%s must be %s, not %s", label(p), describe(t), describeKind(kind))
	if kind == 'n' && p != "" {
		err = hint.Add(err, "remove fields without a value")
	}
	d.addAt(d.source.position(n.offset), p, err)
}

// refused reports the error with which its own type refused a value.
func (d *decoder) refused(n node, text []byte, t reflect.Type, err error) {
	if d.full() {
		return
	}
	p := d.tokens.StackPointer()
	what := fmt.Errorf("%s must be %s, not %s", label(p), describe(t), clean(string(text)))
	offset := n.offset
	if e, ok := errors.AsType[*json.SemanticError](err); ok && e.Err != nil && describe(t) == anything {
		p, offset = p+e.JSONPointer, offset+int(e.ByteOffset)
		what = fmt.Errorf("%s: %s", label(p), clean(e.Err.Error()))
	}
	d.addAt(d.source.position(offset), p, what)
}
