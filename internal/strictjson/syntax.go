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

// explain says in the user's words what is wrong with the syntax of data, as
// far as that can be told from the place where reading it failed.
func explain(data []byte, failure *jsontext.SyntacticError) error {
	rest := data[min(int(failure.ByteOffset), len(data)):]
	if len(rest) == 0 {
		return hint.Add(errors.New("the file ends before the manifest does"),
			"it may have been cut off, or lack a closing quote, ] or }")
	}
	r, size := utf8.DecodeRune(rest)
	switch {
	case bytes.HasPrefix(rest, []byte(byteOrderMark)):
		return hint.Add(errors.New("a byte order mark may not stand here"), "save the file as UTF-8 without one (BOM)")
	case r == utf8.RuneError && size == 1:
		return hint.Add(errors.New("this is not UTF-8"), "save the file as UTF-8")
	case r == '#', bytes.HasPrefix(rest, []byte("//")), bytes.HasPrefix(rest, []byte("/*")):
		return hint.Add(errors.New("JSON has no comments"), `an item that is an object may have the field "comment"`)
	case bytes.HasPrefix(rest, []byte("<<<<<<<")), bytes.HasPrefix(rest, []byte("=======")), bytes.HasPrefix(rest, []byte(">>>>>>>")):
		return hint.Add(errors.New("a merge conflict stands here"), "settle it, and remove git's marks")
	case r == ',':
		return comma(rest)
	case r == '\'' || unicode.IsLetter(r):
		return hint.Add(errors.New(clean(failure.Err.Error())), "strings, and the names of fields, stand in double quotes")
	case r == '\n' || r == '\r' || r == '\t':
		return hint.Add(fmt.Errorf("a string may not contain %q as it is", r),
			`a closing quote may be missing; a line break in a string is written \n, a tab \t`)
	case errors.Is(failure, jsontext.ErrNonStringName):
		return errors.New("the name of a field must be a string")
	}
	return errors.New(clean(failure.Err.Error()))
}

// comma says what is wrong with the comma that rest begins with.
func comma(rest []byte) error {
	next := bytes.TrimLeft(rest[1:], " \t\r\n")
	if len(next) > 0 && (next[0] == ']' || next[0] == '}') {
		return fmt.Errorf("no comma may stand before the closing %c", next[0])
	}
	return errors.New("a comma too many")
}
