package dockerfile

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// ContextPatterns returns patterns, in the syntax of .dockerignore, that match
// everything that the Containerfile reads from its context.
func (f *File) ContextPatterns() []string {
	var all []string
	for _, stage := range f.Stages {
		all = append(all, readBy(stage, isContext, nil)...)
	}
	return patterns(all)
}

// isContext reports whether an instruction that reads from a name reads the context.
func isContext(from string) bool { return from == "" }

// AskedPatterns returns patterns for what the stages of a build with the options o read
// from its context. RUN instructions that begin in the lines except do not count.
func (f *File) AskedPatterns(o Options, except []int) []string {
	return f.asked(o, isContext, except)
}

// FolderPatterns returns patterns for what the stages of a build read from a folder that
// it uses in place of an image. is reports whether a name means it.
func (f *File) FolderPatterns(o Options, is func(from string) bool) []string {
	return f.asked(o, func(from string) bool { return from != "" && is(from) }, nil)
}

func (f *File) asked(o Options, is func(from string) bool, except []int) []string {
	var all []string
	for i, used := range f.used(o) {
		switch {
		case !used:
		case is(f.Stages[i].BaseName): // other stages and the image have all of it
			return patterns([]string{"/"})
		default:
			all = append(all, readBy(f.Stages[i], is, except)...)
		}
	}
	return patterns(all)
}

// used reports for each stage whether a build uses it. If a name cannot be known before
// the build, it uses all.
func (f *File) used(o Options) []bool {
	used := make([]bool, len(f.Stages))
	env, lex := f.environments(o)[0], shell.NewLex(f.Escape)
	todo := []int{f.Final(o)}
	for len(todo) > 0 {
		i := todo[0]
		todo = todo[1:]
		if i < 0 || used[i] {
			continue
		}
		used[i] = true
		base, _, err := lex.ProcessWord(f.Stages[i].BaseName, env)
		todo = append(todo, f.stageAbove(i, base))
		for _, name := range sourcesIn(f.Stages[i]) {
			if err != nil || strings.Contains(name, "$") {
				return slices.Repeat([]bool{true}, len(used))
			}
			if n, errNumber := strconv.Atoi(name); errNumber == nil && n < i {
				todo = append(todo, n)
			} else {
				todo = append(todo, f.stageAbove(i, name))
			}
		}
	}
	return used
}

// sourcesIn returns the stages and images that the instructions of a stage read.
func sourcesIn(stage instructions.Stage) []string {
	var all []string
	for _, c := range stage.Commands {
		if run, ok := c.(*instructions.RunCommand); ok {
			mounted(run, isContext) // which makes its mounts known
		}
		all = append(all, SourcesOf(c)...)
	}
	return all
}

// readBy returns the paths that the instructions of a stage read from a context.
func readBy(stage instructions.Stage, is func(from string) bool, except []int) []string {
	var all []string
	for _, c := range stage.Commands {
		switch c := c.(type) {
		case *instructions.CopyCommand:
			if is(c.From) {
				all = append(all, c.SourcePaths...)
			}
		case *instructions.AddCommand:
			if is("") {
				all = append(all, c.SourcePaths...)
			}
		case *instructions.RunCommand:
			if !slices.Contains(except, LineOf(c)) {
				all = append(all, mounted(c, is)...)
			}
		}
	}
	return all
}

// mounted returns the paths that a RUN mounts from a context.
func mounted(c *instructions.RunCommand, is func(from string) bool) []string {
	// BuildKit parses most of a mount only when it expands variables; they stay
	// unexpanded here.
	if err := c.Expand(func(word string) (string, error) { return word, nil }); err != nil {
		return []string{"/"}
	}
	var all []string
	for _, m := range instructions.GetMounts(c) {
		if m.Type == instructions.MountTypeBind && is(m.From) {
			all = append(all, path.Join("/", m.Source))
		}
	}
	return all
}

// patterns returns patterns that match sources. A source with a wildcard or a
// variable matches its whole folder.
func patterns(sources []string) []string {
	var all []string
	for _, source := range sources {
		if i := strings.IndexAny(source, "*?[$"); i >= 0 {
			source = path.Dir(source[:i] + "x")
		}
		source = strings.TrimPrefix(path.Join("/", source), "/")
		if source == "" {
			source = "**"
		} else {
			source = EscapePattern(source)
		}
		all = append(all, source)
	}
	return all
}

// EscapePattern returns a pattern that matches path and nothing else.
func EscapePattern(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
