// Package bounded executes templates that come from anywhere: with limits of their
// size, nesting, steps and output. text/template has none, and nothing can stop it.
//
// The limits count, and do not measure time, so that a template succeeds on every
// machine or on none. To count, the parsed template gets a call of a function before
// each of its nodes, and around each argument that a function reads whole.
package bounded

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/template"
	"unicode/utf8"

	"bkt/internal/hint"
)

// The limits. The largest template of bkt has 2 kB and takes some 20 steps for an entry.
const (
	MaxSource  = 256 << 10 // bytes of a template
	MaxNesting = 100       // of actions in actions, and of templates that use templates
	MaxSteps   = 500_000   // nodes that are executed, and 64 bytes that a function reads
	MaxText    = 1 << 20   // bytes that one function returns
	MaxOutput  = 4 << 20   // bytes

	bytesPerStep = 64
)

// A Template is a parsed template.
type Template struct {
	parsed *template.Template
	source source
	*meter
}

// Parse parses text, the template called file. A limit that it exceeds is an [Error].
// Errors of syntax are those of text/template.
func Parse(file, text string, funcs template.FuncMap) (*Template, error) {
	s := source{file, text}
	if len(text) > MaxSource {
		return nil, s.exceeds(MaxSource, "the template is larger than %d KiB", MaxSource>>10)
	}
	m := &meter{}
	parsed, err := template.New(file).Funcs(withLimits(funcs)).Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, err
	}
	parsed.Funcs(m.functions())
	for _, t := range parsed.Templates() {
		if t.Tree == nil {
			continue
		}
		if at, deep := instrument(t.Tree.Root); deep {
			return nil, s.exceeds(int(at), "the template has more than %d levels of nesting", MaxNesting)
		}
	}
	return &Template{parsed, s, m}, nil
}

// Execute writes the text of the template for data. A limit that it exceeds is an
// [Error].
func (t *Template) Execute(w io.Writer, data any) error {
	*t.meter = meter{}
	err := t.parsed.Execute(&limitedWriter{w, MaxOutput}, data)
	if limit, ok := errors.AsType[limitError](err); ok {
		return t.source.exceeds(t.at, "%s", limit.Error())
	}
	return err
}

// A limitedWriter returns an error for output beyond its limit.
type limitedWriter struct {
	io.Writer
	left int
}

func (w *limitedWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, limitError(fmt.Sprintf("the template writes more than %d MiB", MaxOutput>>20))
	}
	return w.Writer.Write(p)
}

// A limitError says which limit a template exceeds while it runs.
type limitError string

func (e limitError) Error() string { return string(e) }

// An Error is a limit that a template exceeds.
type Error struct {
	File         string
	Line, Column int // from 1; columns in characters
	What         string
}

// Error returns file:line:column and the limit.
func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s, the limit", e.File, e.Line, e.Column, e.What)
}

// A source is the text of a template.
type source struct{ file, text string }

// exceeds returns the error for a limit that the template exceeds at an offset.
func (s source) exceeds(offset int, format string, args ...any) error {
	before := s.text[:min(offset, len(s.text))]
	line := before[strings.LastIndexByte(before, '\n')+1:]
	err := &Error{s.file, strings.Count(before, "\n") + 1, utf8.RuneCountInString(line) + 1, fmt.Sprintf(format, args...)}
	return hint.Add(err, "remove %s to use bkt's own template", s.file)
}
