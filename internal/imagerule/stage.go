package imagerule

import (
	"io/fs"
	"path"
	"strconv"
	"strings"

	"bkt/internal/paths"
	"bkt/internal/script/call"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// A part is a file or folder of the context, and where it is below the source that a COPY
// names.
type part struct {
	name  string // in the context
	below string // empty: it is the source itself
}

// parts returns what a stage has at the path source. They are known if the stage is FROM
// scratch and has nothing but COPY from the context, as those have that only hold the files
// of a repository for other stages.
func (r *reader) parts(stage, source string) []part {
	copies, ok := r.contextCopies(stage)
	if !ok || r.Context == nil || strings.Contains(source, call.Unknown) {
		return nil
	}
	source = path.Join("/", source)
	var all []part
	for _, c := range copies {
		isFolder := strings.HasSuffix(c.DestPath, "/") || len(c.SourcePaths) > 1
		for _, from := range c.SourcePaths {
			names, _ := fs.Glob(r.Context, inContext(from)) // BuildKit reports a bad pattern
			for _, name := range names {
				if p, ok := r.part(name, path.Join("/", c.DestPath), isFolder || len(names) > 1, source); ok {
					all = append(all, p)
				}
			}
		}
	}
	return all
}

// part returns what a source has of a name of the context that is copied to dest.
func (r *reader) part(name, dest string, isFolder bool, source string) (part, bool) {
	info, err := fs.Stat(r.Context, name)
	if err != nil {
		return part{}, false
	}
	if !info.IsDir() && isFolder {
		dest = path.Join(dest, path.Base(name))
	}
	switch {
	case paths.Within(dest, source):
		return part{name, strings.TrimPrefix(strings.TrimPrefix(dest, source), "/")}, true
	case paths.Within(source, dest) && info.IsDir():
		name = path.Join(name, strings.TrimPrefix(source, dest))
		_, err := fs.Stat(r.Context, name)
		return part{name: name}, err == nil
	}
	return part{}, false
}

// contextCopies returns the copies of a stage that has nothing else.
func (r *reader) contextCopies(name string) ([]*instructions.CopyCommand, bool) {
	n, err := strconv.Atoi(name)
	if err != nil {
		n = -1
		for i, stage := range r.Stages {
			if strings.EqualFold(stage.Name, name) {
				n = i
			}
		}
	}
	if n < 0 || n >= len(r.Stages) || r.Stages[n].BaseName != "scratch" {
		return nil, false
	}
	var all []*instructions.CopyCommand
	for _, c := range r.Stages[n].Commands {
		c, ok := c.(*instructions.CopyCommand)
		if !ok || c.From != "" || c.Parents || len(c.ExcludePatterns)+len(c.SourceContents) > 0 {
			return nil, false
		}
		all = append(all, c)
	}
	return all, true
}
