package gen

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"bkt/gen/section"
	"bkt/internal/dockerfile"
)

// Insert adds empty sections to src, the text of the Containerfile with the given
// path in the repository repo: those that the file lacks and that a manifest has
// entries for. The errors are those of [Render].
//
// A section goes below the nearest one that precedes it in the table of sections,
// or else above the nearest one that follows it, or else to the end of the file. It
// is always in the last stage, or in one that the last stage is FROM.
func Insert(name string, src []byte, repo fs.FS) ([]byte, error) {
	added := ""
	for {
		r, err := prepare(name, src, repo)
		if err != nil {
			return nil, err
		}
		if err := r.render(); err != nil {
			return nil, err
		}
		if len(r.missing) == 0 {
			return src, nil
		}
		if r.missing[0] == added { // the markers became part of an unfinished instruction
			return nil, unfinished(name, src)
		}
		added = r.missing[0]
		src = r.insert(added)
	}
}

// unfinished returns the error for a file that ends within an instruction, where
// no section can be.
func unfinished(name string, src []byte) error {
	if _, err := (Result{Text: src}).Parse(name); err != nil {
		return err
	}
	return fmt.Errorf("%s: the last instruction has no end: no section can be added below it", name)
}

// insert returns the source with the markers of a section.
func (r *renderer) insert(name string) []byte {
	lines := dockerfile.SplitLines(r.src)
	at, above := r.slot(name, len(lines))
	eol := "\n"
	if len(lines) > 0 && lines[0].EOL != "" {
		eol = lines[0].EOL
	}
	markers := section.Marker{Name: name}.String() + eol + section.Marker{Name: name, End: true}.String() + eol
	if above {
		markers += eol
	} else {
		markers = eol + markers
	}
	var out strings.Builder
	for i, l := range lines {
		if i == at {
			out.WriteString(markers)
		}
		out.WriteString(l.String())
		if l.EOL == "" {
			out.WriteString(eol)
		}
	}
	if at == len(lines) {
		out.WriteString(markers)
	}
	return []byte(out.String())
}

// slot returns the line before which a section belongs, and whether it is the
// first line of a section.
func (r *renderer) slot(name string, end int) (line int, above bool) {
	if name == BaseImage {
		return r.head(), true
	}
	order := SectionNames()
	place := slices.Index(order, name)
	for i := place - 1; i >= 0; i-- {
		if at := r.indexOf(order[i]); r.leadsToImage(at) {
			return r.spans[at].End + 1, false
		}
	}
	for _, next := range order[place+1:] {
		if at := r.indexOf(next); r.leadsToImage(at) {
			return r.spans[at].Start, true
		}
	}
	return end, false
}

// leadsToImage reports whether a section next to span i becomes part of the image, and
// of no more stages than necessary. An image that is FROM scratch copies its files from
// stages; then any stage will do.
func (r *renderer) leadsToImage(i int) bool {
	if i < 0 {
		return false
	}
	s := r.stages()
	in, lineage := s.At(r.spans[i].Start), s.Lineage(s.Final())
	if len(lineage) > 0 && s.All[lineage[len(lineage)-1]].Image == "scratch" {
		return true
	}
	if r.spans[i].Name == BaseImage {
		return in == s.Final()
	}
	return slices.Contains(lineage, in)
}

// head returns the line below everything that must be above the first FROM: the
// directives of the parser, and the ARGs for all stages.
func (r *renderer) head() int {
	last, argument := 0, false // argument: an ARG goes on
	scan := dockerfile.NewScanner(dockerfile.EscapeOf(r.src))
	for n, l := range r.lines {
		text := strings.TrimSpace(l.Text)
		word, _ := dockerfile.CutWord(text)
		if scan.Next(l.Text) != dockerfile.TopLevel {
			if argument {
				last = n + 1
			}
			continue
		}
		argument = strings.EqualFold(word, "ARG")
		switch {
		case slices.ContainsFunc(r.all, func(s section.Span) bool { return s.Start == n }):
			return last
		case argument, dockerfile.IsDirective(text):
			last = n + 1
		case text != "" && text[0] != '#':
			return last
		}
	}
	return last
}
