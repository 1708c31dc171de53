// Package manifest has the types of all manifests, and reads and writes them.
//
// Reading is strict: [Decode] turns the bytes of a file into a value that is
// right in every respect, or says what is wrong, where, and what was probably
// meant. Nothing that stands in the file is ever dropped. Writing is
// canonical: [Encode] writes the same value in the same bytes, whatever the
// order in which it was put together.
//
// The package goes from bytes to values and back. It opens no file and writes
// none, and it does not know whether the packages and repositories that a
// manifest names exist.
package manifest

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A checker is a manifest that can tell more about its values than their types do.
type checker interface {
	check(r *report)
}

// Decode reads data, the text of a manifest that is called name in errors.
// The [Source] says where in the file each value stands; it refers to data,
// which must not be changed afterwards.
//
// Every error begins with name:line:column (see [Position]), is of a single
// line, and may carry hints. Several errors are joined ([errors.Join]), in the
// order of the file. Bad syntax ends the reading; what is wrong in other ways
// is reported all at once, up to a limit: that there is more is then the last
// error, which has no line.
//
// T is a struct of strings, booleans, numbers, lists, maps and such structs,
// with the names of the fields in json tags. A struct may have several forms in
// the file; a field of another type reads itself (json.UnmarshalerFrom).
func Decode[T any](name string, data []byte) (T, *Source, error) {
	var v, zero T
	d := newDecoder(name, data)
	err := d.file(reflect.ValueOf(&v).Elem())
	if c, ok := any(v).(checker); ok && err == nil {
		c.check(d.report)
	}
	if err := d.report.err(); err != nil {
		return zero, nil, err
	}
	return v, d.source, nil
}

// Encode returns the text of the manifest v in its canonical form: indented by
// two spaces, the fields in the order of their declaration and without those
// that have their default, lists whose order means nothing sorted and without
// duplicates. What Encode returns, [Decode] reads; a v for which that cannot
// be is an error. v itself is not changed.
func Encode[T any](v T) ([]byte, error) {
	if c, ok := any(v).(interface{ canonical() T }); ok {
		v = c.canonical()
	}
	r := &report{}
	if c, ok := any(v).(checker); ok {
		c.check(r)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	text, err := json.Marshal(v, jsontext.WithIndent("  "), jsontext.PreserveRawStrings(true), json.Deterministic(true))
	if bad, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return nil, fmt.Errorf("%s: %s", clean(string(bad.JSONPointer)), clean(bad.Err.Error()))
	}
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

// Check returns what a manifest that has the item would be refused for, and nil
// if nothing.
func Check[T any](item T) error {
	r := &report{}
	if c, ok := any(item).(interface{ check(object) }); ok {
		c.check(object{r, ""})
	}
	return r.err()
}
