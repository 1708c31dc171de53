package strictjson

import (
	"bytes"
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"bkt/internal/hint"

	"github.com/go-json-experiment/json/jsontext"
)

const byteOrderMark = "\ufeff"

var errMarkers = errors.New("unresolved merge conflict")

// explain returns the syntax error of data in the user's words, as far as the place of
// the failure shows the cause.
func explain(data []byte, failure *jsontext.SyntacticError) error {
	rest := data[min(int(failure.ByteOffset), len(data)):]
	if len(rest) == 0 {
		return hint.Add(errors.New("the file ends too early"),
			"it may be cut off, or lack a closing quote, ] or }")
	}
	r, size := utf8.DecodeRune(rest)
	switch {
	case bytes.HasPrefix(rest, []byte(byteOrderMark)):
		return hint.Add(errors.New("a byte order mark is not allowed here"), "save the file as UTF-8 without one (BOM)")
	case r == utf8.RuneError && size == 1:
		return hint.Add(errors.New("this is not UTF-8"), "save the file as UTF-8")
	case r == '#', bytes.HasPrefix(rest, []byte("//")), bytes.HasPrefix(rest, []byte("/*")):
		return hint.Add(errors.New("JSON has no comments"), `an item that is an object may have the field "comment"`)
	case bytes.HasPrefix(rest, []byte("<<<<<<<")), bytes.HasPrefix(rest, []byte("=======")), bytes.HasPrefix(rest, []byte(">>>>>>>")):
		return hint.Add(errMarkers, "resolve it, and remove git's conflict markers")
	case r == ',':
		return comma(rest)
	case r == '\'' || unicode.IsLetter(r):
		return hint.Add(errors.New(clean(failure.Err.Error())), "put strings and the names of fields in double quotes")
	case r == '\n' || r == '\r' || r == '\t':
		return hint.Add(fmt.Errorf("a string may not contain an unescaped %q", r),
			`a closing quote may be missing; write a line break in a string as \n, a tab as \t`)
	case errors.Is(failure, jsontext.ErrNonStringName):
		return errors.New("the name of a field must be a string")
	}
	return errors.New(clean(failure.Err.Error()))
}

// comma returns the error about the comma that rest begins with.
func comma(rest []byte) error {
	next := bytes.TrimLeft(rest[1:], " \t\r\n")
	if len(next) > 0 && (next[0] == ']' || next[0] == '}') {
		return fmt.Errorf("no comma is allowed before the closing %c", next[0])
	}
	return errors.New("unexpected comma")
}
