// Package strictjson reads JSON files that people write, and reports every
// mistake with its line and column and, where it can, with what was probably
// meant.
//
// Reading is strict: an unknown field, a duplicate one, or a value of another
// type is an error, and nothing in a file is ever dropped. The package knows the
// types of values only; what their content must be, the caller's own checks
// [Report]. It opens no file.
package strictjson

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Decode reads data, the text of a file that errors call name. If the syntax is
// right, check reports what is wrong with the values; it may be nil. The
// [Source] says where in the file each value is; it refers to data, which must
// not be changed afterwards.
//
// Every error begins with name:line:column (see [Position]), is a single line,
// and may carry hints. Several errors are joined ([errors.Join]), in the order
// of the file. A syntax error ends the reading; other mistakes are reported all
// at once, up to a limit: the last error, without a line, then says that there
// are more.
//
// T is a struct of strings, booleans, numbers, lists, maps and such structs,
// with the names of the fields in json tags. A struct may have several forms in
// the file ([Union]); a field of another type reads itself
// (json.UnmarshalerFrom).
func Decode[T any](name string, data []byte, check func(T, *Report)) (T, *Source, error) {
	var v, zero T
	d := newDecoder(name, data)
	err := d.file(reflect.ValueOf(&v).Elem())
	if check != nil && err == nil {
		check(v, d.Report)
	}
	if err := d.Report.Err(); err != nil {
		return zero, nil, err
	}
	return v, d.source, nil
}

// Encode returns the text of v: indented by two spaces, the fields in the order
// of their declaration, the names in maps sorted.
func Encode(v any) ([]byte, error) {
	text, err := json.Marshal(v, jsontext.WithIndent("  "), jsontext.PreserveRawStrings(true), json.Deterministic(true))
	if bad, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return nil, fmt.Errorf("%s: %s", clean(string(bad.JSONPointer)), clean(bad.Err.Error()))
	}
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}
