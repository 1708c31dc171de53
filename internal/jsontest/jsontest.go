// Package jsontest checks the results of package strictjson, for the tests of several
// packages.
package jsontest

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json/jsontext"
)

// CheckPositions checks that source says the right position for each of items,
// the strings of the list that p points to in data.
func CheckPositions(t *testing.T, data []byte, items []string, p jsontext.Pointer, source *strictjson.Source) {
	t.Helper()
	for i, want := range items {
		rest, ok := from(data, source.At(strictjson.Item(p, i)))
		if !ok {
			t.Fatalf("%s/%d is outside of the file", p, i)
		}
		token, err := jsontext.NewDecoder(bytes.NewReader(rest)).ReadToken()
		if err != nil || token.Kind() != '"' || token.String() != want {
			t.Errorf("%s/%d is %q, but its position has %q", p, i, want, rest)
		}
	}
}

var errorLine = regexp.MustCompile(`^f\.json:([1-9][0-9]*):([1-9][0-9]*): .`)

// CheckErrors checks the joined errors of decoding data under the name f.json:
// each is one printable line and begins with a position in the file, and they
// come in the order of the file.
func CheckErrors(t *testing.T, data []byte, err error) {
	t.Helper()
	lines := strings.Split(err.Error(), "\n")
	if last := len(lines) - 1; last > 0 && lines[last] == "f.json: there are more problems than these" {
		lines = lines[:last]
	}
	var places []int
	for _, line := range lines {
		if len(line) > 2000 || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("not fit to be shown: %q", line)
		}
		m := errorLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("no place in %q", line)
		}
		rest, ok := from(data, strictjson.Position{Line: number(m[1]), Column: number(m[2])})
		if !ok {
			t.Fatalf("outside of the file: %q", line)
		}
		places = append(places, len(data)-len(rest))
	}
	if len(lines) > 20 || !slices.IsSorted(places) {
		t.Errorf("too many errors, or out of order:\n%v", err)
	}
}

func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

// from returns the file from a position on, and whether the position is in the
// file or at its end.
func from(data []byte, pos strictjson.Position) ([]byte, bool) {
	for range pos.Line - 1 {
		_, rest, ok := bytes.Cut(data, []byte("\n"))
		if !ok {
			return nil, false
		}
		data = rest
	}
	for range pos.Column - 1 {
		if len(data) == 0 || data[0] == '\n' {
			return nil, false
		}
		_, size := utf8.DecodeRune(data)
		data = data[size:]
	}
	return data, pos.Line > 0 && pos.Column > 0
}
