package dockerfile

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// A Stage is a FROM and the instructions after it, as far as they can be read from a
// file with errors. Lines count from 0.
type Stage struct {
	Line    int      // where its FROM begins
	Last    int      // where its FROM ends
	Flags   []string // of its FROM, such as --platform=linux/amd64
	Image   string   // or the name of another stage; not expanded
	Name    string   // as written; empty: other stages cannot refer to it
	Section string   // the part of the file that the FROM is in; set by the caller
}

// Is reports whether name, in lower case, is that of the stage. BuildKit changes names
// of stages to lower case, and leaves the image of a FROM unchanged.
func (s Stage) Is(name string) bool { return s.Name != "" && strings.ToLower(s.Name) == name }

// Stages are the stages of a Containerfile, in their order.
type Stages struct {
	All    []Stage
	Target string    // the name of the stage that is the image; "": the last one
	args   variables // arguments of the file, with their defaults
	lex    *shell.Lex
}

// Base returns the image or stage that stage i is FROM, with the defaults of arguments.
// If an argument has no default, known is false, and Base returns the unexpanded name.
func (s Stages) Base(i int) (image string, known bool) {
	image, known = s.expand(s.All[i].Image)
	if !known || image == "" {
		return s.All[i].Image, false
	}
	return image, true
}

// expand replaces the arguments in a word with their defaults. The text is unknown
// if an argument has no default, in the word either.
func (s Stages) expand(word string) (text string, known bool) {
	res, err := s.lex.ProcessWordWithMatches(word, s.args)
	if err != nil {
		return "", false
	}
	for name := range res.Unmatched {
		if !hasDefault(word, name) {
			return "", false
		}
	}
	return res.Result, true
}

// hasDefault reports whether each use of a variable in a word has a default, as in
// ${NAME:-default}.
func hasDefault(word, name string) bool {
	for {
		_, rest, found := strings.Cut(word, "$")
		if !found {
			return true
		}
		word = rest
		after, braced := strings.CutPrefix(rest, "{")
		after, ok := strings.CutPrefix(after, name)
		if ok && (after == "" || !isWord(rune(after[0]))) && !(braced && strings.HasPrefix(strings.TrimPrefix(after, ":"), "-")) {
			return false
		}
	}
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// Parent returns the number of the stage that stage i is FROM, or -1 if it is FROM
// an image.
func (s Stages) Parent(i int) int {
	name, _ := s.Base(i)
	for j := i - 1; j >= 0; j-- {
		if s.All[j].Is(name) {
			return j
		}
	}
	return -1
}

// Lineage returns the numbers of stage i, of the stage that it is FROM, and so on
// to the stage that is FROM an image.
func (s Stages) Lineage(i int) []int {
	var all []int
	for ; i >= 0; i = s.Parent(i) {
		all = append(all, i)
	}
	return all
}

// Final returns the number of the stage that is the image, or -1: that with the name in
// Target, or else the last one.
func (s Stages) Final() int {
	if i := s.Named(strings.ToLower(s.Target)); i >= 0 {
		return i
	}
	return len(s.All) - 1
}

// Origin returns the number of the stage whose FROM names the image that stage i is
// built on, or -1.
func (s Stages) Origin(i int) int {
	origin := -1
	for _, i := range s.Lineage(i) {
		origin = i
	}
	return origin
}

// At returns the number of the stage that a line is in, or -1 above the first.
func (s Stages) At(line int) int {
	i := slices.IndexFunc(s.All, func(stage Stage) bool { return stage.Line > line })
	if i < 0 {
		return len(s.All) - 1
	}
	return i - 1
}

// Named returns the number of the last stage with that name, in lower case, or -1.
func (s Stages) Named(name string) int {
	for i, stage := range slices.Backward(s.All) {
		if stage.Is(name) {
			return i
		}
	}
	return -1
}

// LastIn returns the number of the last stage that begins in a section, or -1.
func (s Stages) LastIn(section string) int {
	for i, stage := range slices.Backward(s.All) {
		if stage.Section == section {
			return i
		}
	}
	return -1
}

// Above returns the stages above stage i.
func (s Stages) Above(i int) Stages { return Stages{All: s.All[:i], args: s.args, lex: s.lex} }

// A Section is a part of a Containerfile that [ReadStages] does not read. Lines
// count from 0; End is its last line.
type Section struct {
	Start, End int
	Stages     Stages // that the section has
}

// ReadStages returns the stages of src. It accepts a file that BuildKit cannot
// parse, and does not read the sections: it inserts their stages.
func ReadStages(src string, sections ...Section) Stages {
	escape := EscapeOf(src)
	s := Stages{args: variables{}, lex: shell.NewLex(rune(escape[0]))}
	for _, in := range instructionsOf(SplitLines(src), escape, sections) {
		word, _ := CutWord(in.text)
		switch {
		case in.section != nil:
			body := in.section.Stages
			if len(s.All) == 0 {
				maps.Copy(s.args, body.args)
			}
			s.All = append(s.All, body.All...)
		case strings.EqualFold(word, "FROM"):
			s.All = append(s.All, in.from())
		case len(s.All) == 0:
			s.declare(in.text)
		}
	}
	return s
}

// An instruction is a FROM or an ARG, on one line, or a section.
type instruction struct {
	line    int // that it begins in
	last    int // that it ends in
	text    string
	parts   []string // of text, while it is read
	section *Section
}

// instructionsOf returns the instructions and sections of lines.
func instructionsOf(lines []Line, escape string, sections []Section) []instruction {
	scan := NewScanner(escape)
	var all []instruction
	open := false // the last one goes on
	for n := 0; n < len(lines); n++ {
		if k := slices.IndexFunc(sections, func(s Section) bool { return s.Start == n }); k >= 0 {
			all = append(all, instruction{line: n, section: &sections[k]})
			n, open = sections[k].End, false
			continue
		}
		text := lines[n].Text
		word, _ := CutWord(text)
		if at := scan.Next(text); at == TopLevel {
			if open = strings.EqualFold(word, "FROM") || strings.EqualFold(word, "ARG"); open {
				all = append(all, instruction{line: n})
			}
		}
		if open && word != "" && word[0] != '#' {
			part, _ := CutContinuation(text, escape)
			all[len(all)-1].parts = append(all[len(all)-1].parts, part)
			all[len(all)-1].last = n
		}
	}
	for i := range all {
		all[i].text = strings.Join(all[i].parts, "")
	}
	return all
}

// from reads a FROM.
func (i instruction) from() Stage {
	s := Stage{Line: i.line, Last: i.last}
	words := strings.Fields(i.text)[1:]
	for len(words) > 0 && strings.HasPrefix(words[0], "--") {
		s.Flags, words = append(s.Flags, words[0]), words[1:]
	}
	if len(words) > 0 {
		s.Image = words[0]
	}
	if len(words) == 3 && strings.EqualFold(words[1], "AS") {
		s.Name = words[2]
	}
	return s
}

// declare sets the defaults of the arguments of an ARG. An argument without a
// default, or whose default needs one without, stays unknown.
func (s Stages) declare(text string) {
	// The text is on one line now, so the escape character does not matter.
	ast, err := parser.Parse(strings.NewReader(text))
	if err != nil || len(ast.AST.Children) != 1 {
		return // BuildKit reports the error
	}
	parsed, err := instructions.ParseInstruction(ast.AST.Children[0])
	arg, ok := parsed.(*instructions.ArgCommand)
	if err != nil || !ok {
		return
	}
	for _, a := range arg.Args {
		if a.Value == nil {
			continue
		}
		if value, known := s.expand(*a.Value); known {
			s.args[a.Key] = value
		}
	}
}
