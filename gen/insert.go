package gen

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"bkt/gen/section"
	"bkt/internal/dockerfile"
)

// Insert adds empty sections to src, the text of the Containerfile with the
// given path in the repository repo: those that are missing and that a manifest
// has entries for. The errors are those of [Render].
//
// A section goes below the one that precedes it in the table of sections or, if
// there is none, above the one that follows it, or at the end of the file: always
// into the last stage, or one that this is FROM.
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
		if r.missing[0] == added { // the markers are part of something that has no end
			return nil, unfinished(name, src)
		}
		added = r.missing[0]
		src = r.insert(added)
	}
}

// unfinished is the error of a file that ends within an instruction, where no
// section can be.
func unfinished(name string, src []byte) error {
	if _, err := (Result{Text: src}).Parse(name); err != nil {
		return err
	}
	return fmt.Errorf("%s: the last instruction has no end, and no section can stand below it", name)
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

// slot returns the line before which a section belongs, and whether that is
// the first line of a section.
func (r *renderer) slot(name string, end int) (line int, above bool) {
	if name == BaseImage {
		return r.head(), true
	}
	order := SectionNames()
	place := slices.Index(order, name)
	for i := place - 1; i >= 0; i-- {
		if at := r.indexOf(order[i]); r.leads(at) {
			return r.spans[at].End + 1, false
		}
	}
	for _, next := range order[place+1:] {
		if at := r.indexOf(next); r.leads(at) {
			return r.spans[at].Start, true
		}
	}
	return end, false
}

// leads reports whether what is put beside span i becomes part of the image, and
// of no more stages than it has to. An image that is FROM scratch copies what it
// has from stages, and which these are does not matter here.
func (r *renderer) leads(i int) bool {
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

// head returns the line below what has to stand above the first FROM: the
// directives of the parser, and the ARGs that are for all stages.
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
