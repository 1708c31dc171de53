// Package section finds the managed sections of a Containerfile, which are the lines
// between two markers, and puts new text into them. It knows neither the sections of
// bkt nor their content.
package section

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"bkt/internal/dockerfile"
	"bkt/internal/hint"
	"bkt/internal/printable"
)

// A Span is a managed section of a Containerfile. Lines count from 0.
type Span struct {
	Name       string
	Start, End int // the lines of the markers
}

// A finder collects the sections of a Containerfile and the errors in its markers.
type finder struct {
	file    string
	known   []string
	open    *Span
	spans   []Span
	banners map[string]bool // names in lines such as "# === NAME ===", which may have an END
	broken  map[string]bool // sections whose end has been reported
	errs    []error
}

// fail adds an error at line i.
func (f *finder) fail(i int, advice, format string, args ...any) {
	err := fmt.Errorf("%s:%d: %s", f.file, i+1, printable.Message(fmt.Sprintf(format, args...)))
	if advice != "" {
		err = hint.Add(err, "%s", printable.Message(advice))
	}
	f.errs = append(f.errs, err)
}

// find returns the sections of lines in order. The error joins all errors in the
// markers.
func (f *finder) find(src string, lines []dockerfile.Line) ([]Span, error) {
	scan := dockerfile.NewScanner(dockerfile.EscapeOf(src))
	for i, l := range lines {
		if f.open != nil {
			f.inside(i, l.Text)
		} else if scan.Next(l.Text) == dockerfile.TopLevel {
			f.outside(i, l.Text)
		}
	}
	if f.open != nil {
		m := Marker{f.open.Name, true}
		f.fail(f.open.Start, fmt.Sprintf("add the line %q after the section", m),
			"section %s has no end", f.open.Name)
	}
	return f.spans, errors.Join(f.errs...)
}

// inside reads a line of a section. The text may come from any older rendering, so only
// markers count.
func (f *finder) inside(i int, text string) {
	m, ok := parseMarker(text)
	near, isNear := nearMarker(text, []string{f.open.Name})
	switch {
	case !ok && isNear && near.End:
		f.looksLike(i, text, near)
		f.broken[f.open.Name] = true
		f.open = nil
	case !ok:
	case m.End && m.Name == f.open.Name:
		f.open.End = i
		f.spans = append(f.spans, *f.open)
		f.open = nil
	case m.End:
		f.fail(i, fmt.Sprintf("end it with %q", Marker{f.open.Name, true}),
			"this ends section %s, but line %d starts section %s", m.Name, f.open.Start+1, f.open.Name)
		f.broken[f.open.Name] = true
		f.open = nil
	default:
		f.fail(i, fmt.Sprintf("put %q before this line", Marker{f.open.Name, true}),
			"section %s starts inside section %s, which starts at line %d", m.Name, f.open.Name, f.open.Start+1)
		f.broken[f.open.Name] = true
		f.open = &Span{Name: m.Name, Start: i}
	}
}

// outside reads a line of the user's text.
func (f *finder) outside(i int, text string) {
	m, ok := parseMarker(text)
	switch {
	case ok && !m.End:
		f.start(i, m.Name)
	case ok && !f.banners[m.Name] && !f.broken[m.Name]:
		f.strayEnd(i, m.Name)
	case !ok:
		f.comment(i, text)
	}
}

func (f *finder) start(i int, name string) {
	for _, s := range f.spans {
		if s.Name == name {
			f.fail(i, "remove one of the two: a file has a section once",
				"section %s is in this file already, at line %d", name, s.Start+1)
		}
	}
	f.open = &Span{Name: name, Start: i}
}

func (f *finder) strayEnd(i int, name string) {
	for _, s := range f.spans {
		if s.Name == name {
			f.fail(i, "remove this line", "section %s has ended already, at line %d", name, s.End+1)
			return
		}
	}
	f.fail(i, fmt.Sprintf("put %q before the section, or remove this line", Marker{name, false}),
		"this ends section %s, which has no start", name)
}

// comment reads a line that is not a marker.
func (f *finder) comment(i int, text string) {
	if m, ok := nearMarker(text, f.known); ok {
		f.looksLike(i, text, m)
		return
	}
	if name, ok := strings.CutPrefix(strings.TrimSpace(text), markerStart); ok {
		f.banners[strings.TrimSuffix(name, markerEnd)] = true
	}
}

func (f *finder) looksLike(i int, text string, m Marker) {
	f.fail(i, fmt.Sprintf("write %q, or reword the comment", m),
		"%s looks like a marker, but is not", printable.Quote(strings.TrimSpace(text)))
}

// Find returns the managed sections of src in their order. file is its name in errors;
// known are the names of sections, to distinguish a mistyped marker from a comment. The
// error has all errors in the markers, each with file and line.
func Find(file, src string, known []string) ([]Span, error) {
	f := &finder{file: file, known: known, banners: map[string]bool{}, broken: map[string]bool{}}
	return f.find(src, dockerfile.SplitLines(src))
}

// Stale returns the names of the sections whose text differs between old, a
// Containerfile, and text, which was rendered from it.
func Stale(old, text string) []string {
	was, err := Find("", old, nil)
	is, errIs := Find("", text, nil)
	if err != nil || errIs != nil || len(was) != len(is) {
		return nil
	}
	var names []string
	before, after := dockerfile.SplitLines(old), dockerfile.SplitLines(text)
	for i, s := range was {
		if !slices.Equal(before[s.Start:s.End+1], after[is[i].Start:is[i].End+1]) {
			names = append(names, s.Name)
		}
	}
	return names
}

// CheckBody returns an error if body, the text of a section, would be read back as
// something else: with a marker in it, or with an instruction that continues below the
// section.
func CheckBody(name, body string) error {
	scan := dockerfile.NewScanner(dockerfile.Backslash)
	for l := range strings.Lines(body) {
		l = strings.TrimRight(l, "\r\n")
		scan.Next(l)
		if m, ok := parseMarker(l); ok {
			return fmt.Errorf("section %s: the rendered text has the marker %q in it", name, m)
		}
	}
	if scan.Unfinished() {
		return fmt.Errorf("section %s: the rendered text ends within an instruction", name)
	}
	return nil
}

// Join replaces the text of the spans of src with bodies. It returns the new text and
// the line of it (from 1) where each body begins. All other bytes stay unchanged.
func Join(src string, spans []Span, bodies []string) (string, []int) {
	lines, escape := dockerfile.SplitLines(src), dockerfile.EscapeOf(src)
	var out strings.Builder
	var starts []int
	count, next := 0, 0
	keep := func(end int) {
		for ; next < end; next++ {
			out.WriteString(lines[next].String())
			count++
		}
	}
	for i, s := range spans {
		keep(s.Start + 1)
		starts = append(starts, count+1)
		body := normalizeLines(bodies[i], lines[s.Start].EOL, escape)
		out.WriteString(body)
		count += strings.Count(body, "\n")
		next = s.End
	}
	keep(len(lines))
	return out.String(), starts
}

// normalizeLines gives the lines of body the line ending of the file and the character
// that continues lines in it, and the last one an ending. A heredoc stays unchanged:
// its text goes into the image.
func normalizeLines(body, eol, escape string) string {
	if body != "" && !strings.HasSuffix(body, "\n") {
		body += "\n"
	}
	if eol == "\n" && escape == dockerfile.Backslash {
		return body
	}
	var out strings.Builder
	scan := dockerfile.NewScanner(dockerfile.Backslash)
	for _, l := range dockerfile.SplitLines(body) {
		at := scan.Next(l.Text)
		if text, ok := dockerfile.CutContinuation(l.Text, dockerfile.Backslash); ok && at != dockerfile.Heredoc {
			l.Text = text + escape
		}
		if at != dockerfile.Heredoc {
			l.EOL = eol
		}
		out.WriteString(l.String())
	}
	return out.String()
}
