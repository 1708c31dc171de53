package dockerfile

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// The limits of a Containerfile. BuildKit's linter has none: its time and memory grow
// with the square of the number of instructions, and with what variables expand to.
const (
	maxText         = 1 << 20 // bytes, as plainfile.MaxContainerfile
	maxLines        = 200_000
	maxInstructions = 2000
	maxHeredocs     = 1000
	maxExpanded     = 256 << 10 // bytes of all variables together
)

// Check returns an [Error] for the first character that no Containerfile can have, or
// for the limit that a Containerfile exceeds. What accepts a broken file should call it
// first.
func Check(text []byte) error {
	src := string(text)
	if len(src) > maxText {
		return newLimit(1, "the file is larger than %d MiB, the limit", maxText>>20)
	}
	if err := checkCharacters(src); err != nil {
		return err
	}
	if strings.Count(src, "\n") > maxLines {
		return newLimit(maxLines+1, "more than %d lines, the limit", maxLines)
	}
	return checkInstructions(src)
}

func newLimit(line int, format string, args ...any) *Error {
	return newErrorAt(line, fmt.Errorf(format, args...))
}

// newErrorAt returns the error of a line, from 1.
func newErrorAt(line int, err error) *Error {
	at := parser.Range{Start: parser.Position{Line: line}, End: parser.Position{Line: line}}
	return &Error{Ranges: []parser.Range{at}, Err: err}
}

// checkCharacters returns an error for a NUL, for what is not UTF-8, and for a byte order
// mark that does not begin the file: BuildKit's lexer prints them to standard error.
func checkCharacters(src string) error {
	rest := strings.TrimPrefix(src, byteOrderMark)
	if utf8.ValidString(rest) && strings.IndexByte(rest, 0) < 0 && !strings.Contains(rest, byteOrderMark) {
		return nil
	}
	line, column := 1, 1
	for i := 0; i < len(rest); {
		r, size := utf8.DecodeRuneInString(rest[i:])
		var what string
		switch {
		case r == utf8.RuneError && size == 1:
			what = "this is not UTF-8"
		case r == 0:
			what = "a NUL is not allowed"
		case r == '\ufeff':
			what = "a byte order mark is not allowed here"
		}
		if what != "" {
			err := newErrorAt(line, errors.New(what))
			err.Column = column
			return err
		}
		if column++; r == '\n' {
			line, column = line+1, 1
		}
		i += size
	}
	return nil
}

// checkInstructions checks the limits of instructions.
func checkInstructions(src string) error {
	c := counter{sizes: map[string]int{}}
	escape := EscapeOf(src)
	scan := NewScanner(escape)
	n, heredocs := 0, 0
	for line := range strings.Lines(strings.TrimPrefix(src, byteOrderMark)) {
		n++
		line = strings.TrimRight(line, "\r\n")
		kind := scan.Next(line)
		trimmed := strings.TrimSpace(line)
		if kind == Heredoc || trimmed == "" || trimmed[0] == '#' {
			continue
		}
		if kind == TopLevel {
			if err := c.finish(); err != nil {
				return err
			}
			c.begin(n)
		}
		if heredocs += scan.Heredocs(); heredocs > maxHeredocs {
			return newLimit(n, "more than %d heredocs, the limit", maxHeredocs)
		}
		part, _ := CutContinuation(line, escape)
		c.text.WriteString(part)
	}
	return c.finish()
}

// A counter counts instructions, and the sizes of the variables that they set.
type counter struct {
	instructions int
	line         int             // where the instruction begins
	text         strings.Builder // of the instruction, in one line
	sizes        map[string]int  // the largest of each variable, in bytes
	unnamed      int             // the largest of a variable whose name has a variable
	total        int
}

func (c *counter) begin(line int) {
	c.instructions++
	c.line = line
	c.text.Reset()
}

// finish counts an instruction that is complete.
func (c *counter) finish() error {
	if c.instructions > maxInstructions {
		return newLimit(c.line, "more than %d instructions, the limit", maxInstructions)
	}
	text := c.text.String()
	keyword, rest := CutWord(text)
	if !strings.Contains(rest, "$") && !strings.EqualFold(keyword, "ENV") && !strings.EqualFold(keyword, "ARG") {
		return nil
	}
	if strings.EqualFold(keyword, "RUN") { // the shell expands it
		return nil
	}
	size := c.expanded(rest)
	c.assign(keyword, rest, size)
	if size > maxExpanded || c.total > maxExpanded {
		return newLimit(c.line, "the variables up to here expand to more than %d KiB, the limit", maxExpanded>>10)
	}
	return nil
}

// assign records that each variable that an ENV or an ARG sets may have a size.
func (c *counter) assign(keyword, rest string, size int) {
	if !strings.EqualFold(keyword, "ENV") && !strings.EqualFold(keyword, "ARG") {
		return
	}
	for word := range strings.FieldsSeq(rest) {
		name, _, _ := strings.Cut(word, "=")
		name = withoutQuotes.Replace(name)
		if strings.Contains(name, "$") {
			c.unnamed = max(c.unnamed, size)
		} else if old := c.sizes[name]; size > old && isName(name) {
			c.sizes[name] = size
			c.total += size - old
		}
	}
}

// expanded returns the largest size that a text can have after its variables are
// expanded. A replacement in a variable can put text between all of its bytes.
func (c *counter) expanded(text string) int {
	size := len(text)
	for rest := text; size <= maxExpanded; {
		_, after, found := strings.Cut(rest, "$")
		if !found {
			break
		}
		name := strings.TrimPrefix(after, "{")
		end := strings.IndexFunc(name, func(r rune) bool { return !isWord(r) })
		if end < 0 {
			end = len(name)
		}
		grown := max(c.sizes[name[:end]], c.unnamed)
		if end < len(name) && name[end] == '/' && name != after {
			grown *= len(text)
		}
		size += grown
		rest = after
	}
	return size
}

// withoutQuotes removes what BuildKit removes from a name.
var withoutQuotes = strings.NewReplacer(`"`, "", `'`, "", `\`, "", "`", "")

func isName(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return !isWord(r) }) < 0
}
