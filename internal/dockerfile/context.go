package dockerfile

import (
	"path"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// ContextPatterns returns patterns, in the syntax of .dockerignore, that match
// everything that the Containerfile reads from its context.
func (f *File) ContextPatterns() []string {
	var all []string
	for _, stage := range f.Stages {
		for _, c := range stage.Commands {
			switch c := c.(type) {
			case *instructions.CopyCommand:
				if c.From == "" {
					all = append(all, c.SourcePaths...)
				}
			case *instructions.AddCommand:
				all = append(all, c.SourcePaths...)
			case *instructions.RunCommand:
				all = append(all, mounted(c)...)
			}
		}
	}
	return patterns(all)
}

// mounted returns the paths that a RUN mounts from the context.
func mounted(c *instructions.RunCommand) []string {
	// BuildKit parses most of a mount only when it expands variables; they stay
	// unexpanded here.
	if err := c.Expand(func(word string) (string, error) { return word, nil }); err != nil {
		return []string{"/"}
	}
	var all []string
	for _, m := range instructions.GetMounts(c) {
		if m.Type == instructions.MountTypeBind && m.From == "" {
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
