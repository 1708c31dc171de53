package gen

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"bkt/internal/dockerfile"
	"bkt/internal/hint"
)

// A span is a managed section of a Containerfile: the lines between two
// markers. Lines count from 0.
type span struct {
	name       string
	start, end int // the lines of the markers
}

// A finder collects the sections of a Containerfile and what is wrong with
// its markers.
type finder struct {
	file    string
	known   []string
	open    *span
	spans   []span
	banners map[string]bool // names in lines such as "# === NAME ===", which may have an END
	broken  map[string]bool // sections whose end was said to be amiss already
	errs    []error
}

// fail notes an error at line i.
func (f *finder) fail(i int, advice, format string, args ...any) {
	err := fmt.Errorf("%s:%d: %s", f.file, i+1, fmt.Sprintf(format, args...))
	if advice != "" {
		err = hint.Add(err, "%s", advice)
	}
	f.errs = append(f.errs, err)
}

// find returns the sections of lines in their order. It returns every error
// in the markers, joined.
func (f *finder) find(src string, lines []dockerfile.Line) ([]span, error) {
	scan := dockerfile.NewScanner(dockerfile.EscapeOf(src))
	for i, l := range lines {
		if f.open != nil {
			f.inside(i, l.Text)
		} else if scan.Next(l.Text) == dockerfile.TopLevel {
			f.outside(i, l.Text)
		}
	}
	if f.open != nil {
		m := marker{f.open.name, true}
		f.fail(f.open.start, fmt.Sprintf("add the line %q after the section", m),
			"section %s has no end", f.open.name)
	}
	return f.spans, errors.Join(f.errs...)
}

// inside looks at a line of a section. It may be anything that is left of an
// older rendering, so that only markers count.
func (f *finder) inside(i int, text string) {
	m, ok := parseMarker(text)
	near, isNear := nearMarker(text, []string{f.open.name})
	switch {
	case !ok && isNear && near.end:
		f.looksLike(i, text, near)
		f.broken[f.open.name] = true
		f.open = nil
	case !ok:
	case m.end && m.name == f.open.name:
		f.open.end = i
		f.spans = append(f.spans, *f.open)
		f.open = nil
	case m.end:
		f.fail(i, fmt.Sprintf("end it with %q", marker{f.open.name, true}),
			"this ends section %s, but line %d starts section %s", m.name, f.open.start+1, f.open.name)
		f.broken[f.open.name] = true
		f.open = nil
	default:
		f.fail(i, fmt.Sprintf("put %q before this line", marker{f.open.name, true}),
			"section %s starts inside section %s, which starts at line %d", m.name, f.open.name, f.open.start+1)
		f.broken[f.open.name] = true
		f.open = &span{name: m.name, start: i}
	}
}

// outside looks at a line that belongs to the user.
func (f *finder) outside(i int, text string) {
	m, ok := parseMarker(text)
	switch {
	case ok && !m.end:
		f.start(i, m.name)
	case ok && !f.banners[m.name] && !f.broken[m.name]:
		f.strayEnd(i, m.name)
	case !ok:
		f.comment(i, text)
	}
}

func (f *finder) start(i int, name string) {
	for _, s := range f.spans {
		if s.name == name {
			f.fail(i, "a section stands in a file once: remove one of the two",
				"section %s is in this file already, at line %d", name, s.start+1)
		}
	}
	f.open = &span{name: name, start: i}
}

func (f *finder) strayEnd(i int, name string) {
	for _, s := range f.spans {
		if s.name == name {
			f.fail(i, "remove this line", "section %s has ended already, at line %d", name, s.end+1)
			return
		}
	}
	f.fail(i, fmt.Sprintf("put %q before the section, or remove this line", marker{name, false}),
		"this ends section %s, which has no start", name)
}

// comment looks at a line that is no marker.
func (f *finder) comment(i int, text string) {
	if m, ok := nearMarker(text, f.known); ok {
		f.looksLike(i, text, m)
		return
	}
	if name, ok := strings.CutPrefix(strings.TrimSpace(text), markerStart); ok {
		f.banners[strings.TrimSuffix(name, markerEnd)] = true
	}
}

func (f *finder) looksLike(i int, text string, m marker) {
	f.fail(i, fmt.Sprintf("write %q, or reword the comment", m),
		"%q looks like a marker, but is none", strings.TrimSpace(text))
}

// find returns the managed sections of src. file is its name in errors; known
// are the names of sections, for telling a mistyped marker from a comment. All
// that is wrong with the markers is in the error, each with file and line.
func find(file, src string, known []string) ([]span, error) {
	f := &finder{file: file, known: known, banners: map[string]bool{}, broken: map[string]bool{}}
	return f.find(src, dockerfile.SplitLines(src))
}

// Stale returns the names of the managed sections of a Containerfile whose text
// is another in text, which was rendered from it.
func Stale(old, text string) []string {
	was, err := find("", old, nil)
	is, errIs := find("", text, nil)
	if err != nil || errIs != nil || len(was) != len(is) {
		return nil
	}
	var names []string
	before, after := dockerfile.SplitLines(old), dockerfile.SplitLines(text)
	for i, s := range was {
		if !slices.Equal(before[s.start:s.end+1], after[is[i].start:is[i].end+1]) {
			names = append(names, s.name)
		}
	}
	return names
}

// checkBody makes sure that a body cannot be mistaken for the end of its
// section when it is read again, and takes nothing of what follows for its own.
func checkBody(name, body string) error {
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

// join puts bodies into the spans of src. It returns the text, and in which
// line of it (from 1) each body begins.
func join(src string, spans []span, bodies []string) (string, []int) {
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
		keep(s.start + 1)
		starts = append(starts, count+1)
		body := fit(bodies[i], lines[s.start].EOL, escape)
		out.WriteString(body)
		count += strings.Count(body, "\n")
		next = s.end
	}
	keep(len(lines))
	return out.String(), starts
}

// fit gives the lines of body the line ending of the file and the character
// that continues lines in it, and sees to it that the last has an ending. A
// heredoc stays as it is: its text goes into the image.
func fit(body, eol, escape string) string {
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
