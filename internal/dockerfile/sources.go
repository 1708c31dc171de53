package dockerfile

import (
	"maps"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/moby/buildkit/frontend/dockerfile/dfgitutil"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// A Source is a path that an instruction reads from the build context.
type Source struct {
	Keyword string // COPY, ADD or RUN --mount
	Line    int    // of the word, or else of its instruction, from 1
	Column  int    // in characters, from 1; 0 if the word is not found
	Text    string // the word, as written
	Path    string // its value, relative to the context; "" for all of it, and if it is not known

	Known   bool // no part of the value comes from the base image, or only from a build
	Default bool // part of the value is the default of an argument: a build can have another
	Mount   bool // of a RUN, which does not expand wildcards
	Parents bool // of COPY --parents
	Exclude bool // COPY or ADD has --exclude
}

// Sources returns what the stages that a build with the options o uses read from the build
// context, in the order of the file. URLs, git repositories and heredocs are no part of it.
func (f *File) Sources(o Options) []Source {
	used := f.used(o)
	bases, lex := f.environments(o)[0], shell.NewLex(f.Escape)
	envs := make([]environment, len(f.Stages))
	lines := SplitLines(string(f.Text))
	var all []Source
	for i, stage := range f.Stages {
		envs[i] = environment{lex: lex, vars: map[string]known{}, fixed: map[string]bool{}}
		if base, _, err := lex.ProcessWord(stage.BaseName, bases); err == nil {
			if above := f.stageAbove(i, base); above >= 0 {
				envs[i].inherit(envs[above])
			}
		}
		for _, c := range stage.Commands {
			envs[i].follow(c, f.Args, o.Args)
			if used[i] {
				all = append(all, sourcesOf(c, envs[i], lines)...)
			}
		}
	}
	return all
}

// sourcesOf returns the sources of one instruction in the lines of a file.
func sourcesOf(c instructions.Command, env environment, lines []Line) []Source {
	var all []Source
	add := func(s Source) {
		value, ok := env.expand(s.Text)
		s.Known, s.Default = ok, value.open
		s.Line, s.Column = find(lines, c, s.Text)
		if ok {
			s.Path = strings.TrimPrefix(path.Join("/", value.text), "/")
			if s.Parents && strings.Contains(value.text, "/./") { // which path.Join would lose
				s.Path = strings.TrimPrefix(value.text, "/")
			}
		}
		all = append(all, s)
	}
	switch c := c.(type) {
	case *instructions.CopyCommand:
		for _, text := range c.SourcePaths {
			if c.From == "" {
				add(Source{Keyword: "COPY", Text: text, Parents: c.Parents, Exclude: len(c.ExcludePatterns) > 0})
			}
		}
	case *instructions.AddCommand:
		for _, text := range c.SourcePaths {
			if value, _ := env.expand(text); !isRemote(text) && !isRemote(value.text) {
				add(Source{Keyword: "ADD", Text: text, Exclude: len(c.ExcludePatterns) > 0})
			}
		}
	case *instructions.RunCommand:
		mounted(c, isContext) // which makes its mounts known
		for _, m := range instructions.GetMounts(c) {
			if m.Type == instructions.MountTypeBind && m.From == "" {
				add(Source{Keyword: "RUN --mount", Text: m.Source, Mount: true})
			}
		}
	}
	return all
}

// isRemote reports whether ADD downloads a source, or clones it with git.
func isRemote(source string) bool {
	if strings.Contains(source, "://") {
		return true
	}
	ref, _, err := dfgitutil.ParseGitRef(source)
	return err == nil && ref != nil && !ref.IndistinguishableFromLocal
}

// find returns the place of a word of an instruction in the lines of a file: the line of the
// instruction, if the word is not found.
func find(lines []Line, c instructions.Command, word string) (line, column int) {
	at := c.Location()
	if len(at) == 0 {
		return 0, 0
	}
	for n := at[0].Start.Line; n <= at[len(at)-1].End.Line && n <= len(lines) && word != ""; n++ {
		if column := columnOf(lines[n-1].Text, word); column > 0 {
			return n, column
		}
	}
	return LineOf(c), 0
}

// columnOf returns the column of a word in a line; 0 if it is not found.
func columnOf(line, word string) int {
	for start := 0; ; start += len(word) {
		k := strings.Index(line[start:], word)
		if k < 0 {
			return 0
		}
		start += k
		if isSeparator(line[:start], line[start+len(word):]) {
			return utf8.RuneCountInString(line[:start]) + 1
		}
	}
}

// isSeparator reports whether a text ends where a word may begin, and another one begins
// where it may end.
func isSeparator(before, after string) bool {
	return (before == "" || strings.ContainsAny(before[len(before)-1:], " \t\"'=")) &&
		(after == "" || strings.ContainsAny(after[:1], " \t\r\"',\\"))
}

// known is the value of a variable.
type known struct {
	text string
	open bool // it depends on the default of an argument
}

// An environment has the variables whose values are known without the base image.
type environment struct {
	lex   *shell.Lex
	vars  map[string]known
	fixed map[string]bool // set by ENV, which no ARG changes
}

// inherit takes over what a stage has that this one is FROM. Its arguments are its own.
func (e environment) inherit(above environment) {
	maps.Copy(e.fixed, above.fixed)
	for name := range above.fixed {
		if value, ok := above.vars[name]; ok {
			e.vars[name] = value
		}
	}
}

// follow follows an ENV or an ARG. global are the arguments above the first FROM, given the
// values for a build.
func (e environment) follow(c instructions.Command, global []instructions.ArgCommand, given map[string]string) {
	switch c := c.(type) {
	case *instructions.EnvCommand:
		before := environment{lex: e.lex, vars: maps.Clone(e.vars)}
		for _, kv := range c.Env {
			value, ok := before.expand(kv.Value)
			e.fixed[kv.Key] = true
			e.set(kv.Key, value, ok)
		}
	case *instructions.ArgCommand:
		for _, a := range c.Args {
			if !e.fixed[a.Key] {
				value, ok := e.argument(a, global, given)
				e.set(a.Key, value, ok)
			}
		}
	}
}

func (e environment) set(name string, value known, ok bool) {
	if delete(e.vars, name); ok {
		e.vars[name] = value
	}
}

// argument returns the value of an ARG of a stage: that of the build, or its default, or the
// default above the first FROM.
func (e environment) argument(a instructions.KeyValuePairOptional, global []instructions.ArgCommand, given map[string]string) (known, bool) {
	if text, ok := given[a.Key]; ok {
		return known{text: text}, true
	}
	if a.Value != nil {
		value, ok := e.expand(*a.Value)
		value.open = true
		return value, ok
	}
	above := environment{lex: e.lex, vars: map[string]known{}}
	for _, c := range global {
		for _, g := range c.Args {
			if _, isGiven := given[g.Key]; isGiven || g.Value != nil {
				value, ok := above.argument(g, nil, given)
				above.set(g.Key, value, ok)
			}
		}
	}
	value, ok := above.vars[a.Key]
	return value, ok
}

// expand returns the value of a word. It is not ok if a variable of it is not known, even
// one with a default: the base image may set it.
func (e environment) expand(word string) (value known, ok bool) {
	values := variables{}
	for name, v := range e.vars {
		values[name] = v.text
	}
	res, err := e.lex.ProcessWordWithMatches(word, values)
	for name := range res.Matched {
		value.open = value.open || e.vars[name].open
	}
	value.text = res.Result
	return value, err == nil && len(res.Unmatched) == 0
}
