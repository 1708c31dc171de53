package gen

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"bkt/gen/flow"
	"bkt/gen/section"
	"bkt/internal/dockerfile"
)

// Insert adds empty sections to src, the text of the Containerfile with the given
// path in the repository repo: those that the file lacks and that a manifest has
// entries for. The errors are those of [Render].
//
// A section goes below the nearest one that precedes it in the table of sections, or
// else above the nearest one that follows it, if that one is in the stage or in one that
// the stage is FROM. Otherwise it goes to the end of the stage, above what checks and
// cleans the image and sets up its containers.
//
// The stage is the one with the given name or number, or with "" the image: the last one, or
// the target that the manifest declares. If other stages are images of the same file, it is
// the last that they all are FROM. If there is none and no target, or if the stage has no
// base image, it is an error.
func Insert(name string, src []byte, repo fs.FS, stage string) ([]byte, error) {
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
		if src, err = r.insert(added, stage); err != nil {
			return nil, err
		}
	}
}

// An Insertion is a section that [Insert] has added.
type Insertion struct {
	Section string
	Line    int    // of its start, from 1
	Stage   string // in words, "" if the section begins a stage
}

// Inserted returns the sections of a Containerfile that its text before did not have.
func Inserted(name string, before, after []byte) []Insertion {
	was, err := section.Find(name, string(before), nil)
	r, errAfter := prepare(name, after, nil)
	if err != nil || errAfter != nil {
		return nil
	}
	stages := r.currentStages()
	var all []Insertion
	for _, s := range r.spans {
		if slices.ContainsFunc(was, func(w section.Span) bool { return w.Name == s.Name }) {
			continue
		}
		in := Insertion{Section: s.Name, Line: s.Start + 1}
		if i := stages.At(s.Start); i >= 0 && s.Name != BaseImage {
			in.Stage = flow.Describe(stages, i)
		}
		all = append(all, in)
	}
	return all
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
func (r *renderer) insert(name, stage string) ([]byte, error) {
	lines := dockerfile.SplitLines(r.src)
	at, err := r.slot(name, stage)
	if err != nil {
		return nil, err
	}
	eol := "\n"
	if len(lines) > 0 && lines[0].EOL != "" {
		eol = lines[0].EOL
	}
	markers := section.Marker{Name: name}.String() + eol + section.Marker{Name: name, End: true}.String() + eol
	if at.apart {
		markers = eol + markers
	}
	if at.above {
		markers += eol
	}
	var out strings.Builder
	for i, l := range lines {
		if i == at.line {
			out.WriteString(markers)
		}
		out.WriteString(l.String())
		if l.EOL == "" {
			out.WriteString(eol)
		}
	}
	if at.line == len(lines) {
		out.WriteString(markers)
	}
	return []byte(out.String()), nil
}

// A slot is the line before which a section goes, with a blank line before the section
// (apart), or between the section and the line (above).
type slot struct {
	line         int
	apart, above bool
}

// slot returns where a section belongs.
func (r *renderer) slot(name, stage string) (slot, error) {
	if name == BaseImage {
		return slot{line: r.head(), above: true}, nil
	}
	all, final := r.stages(), r.stages().Final()
	if stage != "" {
		i, err := flow.Flow{File: r.file, Stages: all}.Find(stage)
		if err != nil {
			return slot{}, err
		}
		final = i
	}
	order := SectionNames()
	place := slices.Index(order, name)
	for i := place - 1; i >= 0; i-- {
		if at := r.indexOf(order[i]); r.leadsTo(final, at) {
			return slot{line: r.spans[at].End + 1, apart: true}, nil
		}
	}
	for _, next := range order[place+1:] {
		if at := r.indexOf(next); r.leadsTo(final, at) {
			return slot{line: r.spans[at].Start, above: true}, nil
		}
	}
	if len(all.All) == 0 {
		return slot{line: len(r.lines), apart: true}, nil
	}
	f := flow.Flow{File: r.file, Stages: all, All: r.instructions()}
	if stage == "" {
		var err error
		if final, err = f.Shared(); err != nil {
			return slot{}, err
		}
	}
	return r.end(f, final), nil
}

// instructions returns the instructions of the file outside of sections.
func (r *renderer) instructions() []dockerfile.Instruction {
	var sections []dockerfile.Section
	for _, s := range r.all {
		sections = append(sections, dockerfile.Section{Start: s.Start, End: s.End})
	}
	return dockerfile.ReadInstructions(r.src, sections...)
}

// end returns the end of a stage: above the instructions there that check and clean the
// image or set up its containers.
func (r *renderer) end(f flow.Flow, stage int) slot {
	own, last := f.Of(stage), f.Stages.All[stage].Last
	for _, in := range own {
		last = max(last, in.Last)
	}
	for _, s := range r.all {
		if f.Stages.At(s.Start) == stage {
			last = max(last, s.End)
		}
	}
	switch k := flow.BeforeEnding(own); {
	case k < len(own):
		line := r.withComments(own[k].Line)
		return slot{line: line, apart: strings.TrimSpace(r.lines[line-1].Text) != "", above: true}
	case stage == len(f.Stages.All)-1:
		return slot{line: len(r.lines), apart: true}
	}
	next := last + 1
	return slot{line: next, apart: true, above: next < len(r.lines) && strings.TrimSpace(r.lines[next].Text) != ""}
}

// withComments returns the first line of the comments directly above a line, which
// belong to it. The ends of sections and of other banners do not.
func (r *renderer) withComments(line int) int {
	for line > 0 {
		text := strings.TrimSpace(r.lines[line-1].Text)
		isEnd := slices.ContainsFunc(r.all, func(s section.Span) bool { return s.End == line-1 }) || strings.HasPrefix(text, "# === END ")
		if isEnd || !strings.HasPrefix(text, "#") {
			break
		}
		line--
	}
	return line
}

// leadsTo reports whether a section next to span i becomes part of a stage, and of no
// more stages than necessary. A stage that is FROM scratch copies its files from others;
// then any of them will do.
func (r *renderer) leadsTo(stage, i int) bool {
	if i < 0 {
		return false
	}
	s := r.stages()
	in, lineage := s.At(r.spans[i].Start), s.Lineage(stage)
	if len(lineage) > 0 && s.All[lineage[len(lineage)-1]].Image == "scratch" {
		return true
	}
	if r.spans[i].Name == BaseImage {
		return in == stage
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

// StageNames returns the names of the stages of a Containerfile; none if its markers are
// misplaced.
func StageNames(file string, text []byte) []string {
	r, err := prepare(file, text, nil)
	if err != nil {
		return nil
	}
	return flow.Names(r.currentStages())
}
