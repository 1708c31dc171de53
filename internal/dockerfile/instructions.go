package dockerfile

import (
	"slices"
	"strings"
)

// An Instruction is an instruction of a Containerfile, as far as it can be read from a
// file with errors. Lines count from 0.
type Instruction struct {
	Line, Last int      // where it begins and ends, with its heredocs
	Keyword    string   // in upper case
	Args       string   // the rest in one line, without heredocs
	Heredocs   []string // their texts
}

// Flags returns the flags of an instruction, and what follows them.
func (in Instruction) Flags() (flags []string, rest string) {
	for rest = in.Args; strings.HasPrefix(rest, "--"); {
		var flag string
		flag, rest = CutWord(rest)
		flags = append(flags, flag)
	}
	return flags, rest
}

// Mentions reports whether a text is in the instruction or in its heredocs.
func (in Instruction) Mentions(text string) bool {
	return strings.Contains(in.Args, text) || slices.ContainsFunc(in.Heredocs, func(doc string) bool { return strings.Contains(doc, text) })
}

// Sources returns the stages and images that the instruction reads, without expansion:
// those of COPY --from and of RUN --mount=from, not that of a FROM.
func (in Instruction) Sources() []string {
	var names []string
	flags, _ := in.Flags()
	for _, flag := range flags {
		name, value, _ := strings.Cut(flag, "=")
		switch name {
		case "--from":
			names = append(names, value)
		case "--mount":
			for field := range strings.SplitSeq(value, ",") {
				if from, ok := strings.CutPrefix(field, "from="); ok {
					names = append(names, from)
				}
			}
		}
	}
	return names
}

// ReadInstructions returns the instructions of src. It accepts a file that BuildKit cannot
// parse, and does not read the sections.
func ReadInstructions(src string, sections ...Section) []Instruction {
	r := instructionReader{escape: EscapeOf(src)}
	r.scan = NewScanner(r.escape)
	lines := SplitLines(src)
	for n := 0; n < len(lines); n++ {
		if k := slices.IndexFunc(sections, func(s Section) bool { return s.Start == n }); k >= 0 {
			n = sections[k].End
			continue
		}
		r.line(n, lines[n].Text)
	}
	r.finish()
	return r.all
}

// An instructionReader collects instructions line by line.
type instructionReader struct {
	escape string
	scan   *Scanner
	all    []Instruction
	parts  []string // of the last instruction
	doc    []string // the lines of its heredoc that is open
}

func (r *instructionReader) line(n int, text string) {
	opened := r.scan.Heredocs()
	at, trimmed := r.scan.Next(text), strings.TrimSpace(text)
	switch {
	case at == Heredoc && r.scan.Heredocs() < opened:
		last := &r.all[len(r.all)-1]
		last.Heredocs = append(last.Heredocs, strings.Join(r.doc, ""))
		last.Last, r.doc = n, nil
	case at == Heredoc:
		r.all[len(r.all)-1].Last = n
		r.doc = append(r.doc, text+"\n")
	case trimmed == "" || trimmed[0] == '#':
	case at == TopLevel:
		r.finish()
		r.all = append(r.all, Instruction{Line: n})
		fallthrough
	case len(r.all) > 0:
		part, _ := CutContinuation(text, r.escape)
		r.parts = append(r.parts, part)
		r.all[len(r.all)-1].Last = n
	}
}

// finish completes the last instruction.
func (r *instructionReader) finish() {
	if len(r.all) == 0 {
		return
	}
	word, rest := CutWord(strings.Join(r.parts, ""))
	last := &r.all[len(r.all)-1]
	last.Keyword, last.Args = strings.ToUpper(word), strings.TrimSpace(rest)
	if r.doc != nil { // it has no end
		last.Heredocs = append(last.Heredocs, strings.Join(r.doc, ""))
	}
	r.parts, r.doc = nil, nil
}
