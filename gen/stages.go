package gen

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// A stage is what begins with a FROM of a Containerfile.
type stage struct {
	line  int      // of its FROM, from 0
	last  int      // line of that
	flags []string // of its FROM, such as --platform=linux/amd64
	image string   // or the name of another stage; as it is written
	name  string   // by which others refer to it, as it is written; empty: they cannot
	of    string   // the section that the FROM is in, if it is in one
}

// is reports whether name is that of the stage. BuildKit has names of stages in
// lower case, and gives a FROM no other.
func (s stage) is(name string) bool { return s.name != "" && strings.ToLower(s.name) == name }

// stages are all stages of a Containerfile, and what a FROM can refer to.
type stages struct {
	all  []stage
	args variables // those of the file, with their defaults
	lex  *shell.Lex
}

// base returns what stage i is FROM, with the defaults of arguments in it. It is
// not known if one of them has none.
func (s stages) base(i int) (image string, known bool) {
	image, known = s.expand(s.all[i].image)
	if !known || image == "" {
		return s.all[i].image, false
	}
	return image, true
}

// expand puts the defaults of arguments into a word. Its text is not known if one
// has no default, there either.
func (s stages) expand(word string) (text string, known bool) {
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

// hasDefault reports whether a variable has a default wherever it stands in a
// word, as in ${NAME:-default}.
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

// parent returns the stage that stage i is FROM, or -1 if it is FROM an image.
func (s stages) parent(i int) int {
	name, _ := s.base(i)
	for j := i - 1; j >= 0; j-- {
		if s.all[j].is(name) {
			return j
		}
	}
	return -1
}

// lineage returns stage i, the stage that it is FROM, and so on to the one that
// is FROM an image.
func (s stages) lineage(i int) []int {
	var all []int
	for ; i >= 0; i = s.parent(i) {
		all = append(all, i)
	}
	return all
}

// final returns the last stage, which is the image, or -1.
func (s stages) final() int { return len(s.all) - 1 }

// origin returns the stage with the FROM of what stage i is built on, or -1.
func (s stages) origin(i int) int {
	origin := -1
	for _, i := range s.lineage(i) {
		origin = i
	}
	return origin
}

// at returns the stage that a line is in, or -1 above the first.
func (s stages) at(line int) int {
	i := slices.IndexFunc(s.all, func(stage stage) bool { return stage.line > line })
	if i < 0 {
		return s.final()
	}
	return i - 1
}

// named returns the last stage of that name, or -1.
func (s stages) named(name string) int {
	for i, stage := range slices.Backward(s.all) {
		if stage.is(name) {
			return i
		}
	}
	return -1
}

// readStages returns the stages of src. What is in a section may be left of
// anything: inside says which stages are in one.
func readStages(src string, sections []span, inside func(span) stages) stages {
	escape := escapeOf(src)
	s := stages{args: variables{}, lex: shell.NewLex(rune(escape[0]))}
	lines := splitLines(src)
	for _, in := range instructionsOf(lines, escape, sections) {
		word, _ := cutWord(in.text)
		switch {
		case in.section != nil:
			body := inside(*in.section)
			if len(s.all) == 0 {
				maps.Copy(s.args, body.args)
			}
			s.all = append(s.all, body.all...)
		case strings.EqualFold(word, "FROM"):
			s.all = append(s.all, in.from())
		case len(s.all) == 0:
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
	section *span
}

// instructionsOf returns those of lines, by the rules of BuildKit's parser.
func instructionsOf(lines []line, escape string, sections []span) []instruction {
	scan := newScanner("")
	scan.escape = escape
	var all []instruction
	open := false // the last one goes on
	for n := 0; n < len(lines); n++ {
		if k := slices.IndexFunc(sections, func(s span) bool { return s.start == n }); k >= 0 {
			all = append(all, instruction{line: n, section: &sections[k]})
			n, open = sections[k].end, false
			continue
		}
		text := lines[n].text
		word, _ := cutWord(text)
		if at := scan.next(text); at == top {
			if open = strings.EqualFold(word, "FROM") || strings.EqualFold(word, "ARG"); open {
				all = append(all, instruction{line: n})
			}
		}
		if open && word != "" && word[0] != '#' {
			part, _ := cutContinuation(text, escape)
			all[len(all)-1].text += part
			all[len(all)-1].last = n
		}
	}
	return all
}

// from reads a FROM.
func (i instruction) from() stage {
	s := stage{line: i.line, last: i.last}
	words := strings.Fields(i.text)[1:]
	for len(words) > 0 && strings.HasPrefix(words[0], "--") {
		s.flags, words = append(s.flags, words[0]), words[1:]
	}
	if len(words) > 0 {
		s.image = words[0]
	}
	if len(words) == 3 && strings.EqualFold(words[1], "AS") {
		s.name = words[2]
	}
	return s
}

// declare gives the arguments of an ARG their defaults. One that has none, or
// whose default needs another that has none, is not known.
func (s stages) declare(text string) {
	// By now the text is on one line, so that the escape character does not matter.
	ast, err := parser.Parse(strings.NewReader(text))
	if err != nil || len(ast.AST.Children) != 1 {
		return // BuildKit says what is wrong with it
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

// variables are those that a FROM can have in it, with their values.
type variables map[string]string

// Get implements [shell.EnvGetter].
func (v variables) Get(name string) (string, bool) { value, ok := v[name]; return value, ok }

// Keys implements [shell.EnvGetter].
func (v variables) Keys() []string { return nil }
