package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// ContextPatterns returns patterns, in the syntax of .dockerignore, that match
// everything that the Containerfile reads from its context. RUN instructions that begin in
// the lines except do not count.
func (f *File) ContextPatterns(except ...int) []string {
	var all []string
	for _, stage := range f.Stages {
		all = append(all, readBy(stage, func(from string) bool { return from == "" }, except)...)
	}
	return patterns(all)
}

// FolderPatterns returns the same for a folder that a build uses in place of an image. is
// reports whether a name of the Containerfile means it.
func (f *File) FolderPatterns(is func(from string) bool) []string {
	var all []string
	for _, stage := range f.Stages {
		if is(stage.BaseName) {
			return patterns([]string{"/"}) // other stages and the image have all of it
		}
		all = append(all, readBy(stage, func(from string) bool { return from != "" && is(from) }, nil)...)
	}
	return patterns(all)
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
