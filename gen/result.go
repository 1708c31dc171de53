package gen

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"bkt/internal/dockerfile"
	"bkt/internal/finding"
	"bkt/internal/hint"
	"bkt/internal/manifest"
)

// A Result is a rendered Containerfile.
type Result struct {
	Text     []byte
	Origins  []Origin          // of every generated line, in order
	Warnings []error           // with file and line, and hints
	Before   dockerfile.Stages // of the text that this was rendered from
	Repo     fs.FS             // the repository that it belongs to
	Build    Build             // of the file, as declared

	Installed []Installed // by section SYSTEM_FILES

	moves  []move                           // the text after each section
	parsed func() (*dockerfile.File, error) // Text; nil: it is not rendered
}

// An Installed is a file that a manifest puts into the image.
type Installed struct {
	Dest   string // absolute
	Source string // path in the repository that the build reads; "" for a link, of which it needs the target alone
	Folder string // the folder that the entry copies, with this file; "": it copies the file
	Entry  manifest.Entry
}

// A move says by how many lines the text below a section has moved.
type move struct{ after, by int }

// LineBefore returns the line of the text before rendering that is the given line
// of the user's own text now.
func (r Result) LineBefore(line int) int {
	moved := 0
	for _, m := range r.moves {
		if m.after < line {
			moved = m.by
		}
	}
	return line - moved
}

// AsIs returns a warning about the Containerfile, which is called file, with the line of
// the text before rendering: for a generated line, that of the marker above it.
func (r Result) AsIs(file string, warning error) error {
	f, ok := errors.AsType[finding.Finding](warning)
	if !ok || f.File != file || f.Line == 0 {
		return warning
	}
	line := f.Line
	for r.SectionAt(line) != "" {
		line--
	}
	f.Fix, f.Line = hint.Of(warning), r.LineBefore(line)
	return f
}

// SectionAt returns the section that generated a line, "" if none did.
func (r Result) SectionAt(line int) string {
	i, ok := slices.BinarySearchFunc(r.Origins, line, func(o Origin, line int) int { return o.Line - line })
	if !ok {
		return ""
	}
	return r.Origins[i].Section
}

// Finding returns a finding in a line of the Containerfile, which is called file.
// The place of one in a generated line is the entry that the line comes from.
func (r Result) Finding(level finding.Level, rule, file string, line int, what string) finding.Finding {
	f := finding.Finding{Rule: rule, Level: level, Place: finding.Place{File: file, Line: line}, Message: what}
	for _, o := range r.Origins {
		if o.Line == line {
			f.Message = fmt.Sprintf("%s (%s, section %s)", what, f.Place, o.Section)
			f.Place = o.Entry.Place()
			return f
		}
	}
	return f
}

// Parse parses the text, which is called file: a rendered one once, for all who ask. If
// BuildKit cannot parse it, or cannot expand its variables, the error is a finding.
func (r Result) Parse(file string) (*dockerfile.File, error) {
	parsed := r.parsed
	if parsed == nil {
		parsed = func() (*dockerfile.File, error) { return parse(r.Text) }
	}
	f, err := parsed()
	if err != nil {
		return nil, r.syntaxError(file, err)
	}
	return f, nil
}

func parse(text []byte) (*dockerfile.File, error) {
	f, err := dockerfile.Parse(text)
	if err == nil {
		err = f.CheckVariables()
	}
	return f, err
}

// Check checks the characters and the limits of the text, which is called file. An error
// is a finding. What reads the text without [Result.Parse] must call it first.
func (r Result) Check(file string) error {
	if err := dockerfile.Check(r.Text); err != nil {
		return r.syntaxError(file, err)
	}
	return nil
}

// syntaxError returns the finding of an error in the text.
func (r Result) syntaxError(file string, err error) finding.Finding {
	line, column := 0, 0
	if e, ok := errors.AsType[*dockerfile.Error](err); ok {
		line, column = e.Line(), e.Column
	}
	if r.SectionAt(line) != "" {
		return r.Finding(finding.Error, "syntax", file, line, err.Error())
	}
	place := finding.Place{File: file, Line: r.LineBefore(line), Column: column} // nothing is written: the line is that of the file as it is
	return finding.Finding{Rule: "syntax", Level: finding.Error, Place: place, Message: err.Error()}
}
