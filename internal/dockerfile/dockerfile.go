// Package dockerfile reads Containerfiles for all who ask about one: with
// BuildKit's parser ([Parse]), or line by line where a file may be broken
// ([Scanner], [ReadStages]).
//
// It reads text alone: no file, no registry, no engine.
package dockerfile

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bkt/internal/printable"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// A File is a parsed Containerfile.
type File struct {
	Text   []byte
	Stages []instructions.Stage
	Args   []instructions.ArgCommand // those above the first FROM
	Escape rune
}

// An Error is an error in a Containerfile.
type Error struct {
	Ranges []parser.Range // the lines, from 1; empty if they are not known
	Column int            // from 1, in characters; 0: the whole line
	Err    error
}

// Error returns BuildKit's message without the line, and with a short excerpt of the file.
func (e *Error) Error() string {
	_, rest, ok := strings.Cut(e.Err.Error(), ": ")
	if ok && strings.HasPrefix(e.Err.Error(), "dockerfile parse error on line ") {
		return printable.Message(rest)
	}
	return printable.Message(e.Err.Error())
}

// Unwrap returns BuildKit's error.
func (e *Error) Unwrap() error { return e.Err }

// Line returns where the instruction with the error begins, from 1; 0 if that is
// not known.
func (e *Error) Line() int {
	if len(e.Ranges) == 0 {
		return 0
	}
	return e.Ranges[0].Start.Line
}

func newError(err error) *Error {
	e := &Error{Err: err}
	if at, ok := errors.AsType[*parser.LocationError](err); ok && len(at.Locations) > 0 {
		e.Ranges = at.Locations[0]
	}
	return e
}

// Parse parses a Containerfile as BuildKit does. A syntax error is an [Error], and so
// are those of [Check].
func Parse(text []byte) (*File, error) {
	if err := Check(text); err != nil {
		return nil, err
	}
	if line := overlong(text); line > 0 {
		return nil, newErrorAt(line, fmt.Errorf("the line is longer than BuildKit reads: the maximum is %d bytes", maxLine))
	}
	ast, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, newError(err)
	}
	f := &File{Text: text, Escape: ast.EscapeToken}
	// A linter is needed for a comment above an instruction that configures it.
	f.Stages, f.Args, err = instructions.Parse(ast.AST, linter.New(&linter.Config{}))
	if err != nil {
		return nil, newError(err)
	}
	return f, nil
}

// maxLine is the length of the longest line that BuildKit's parser reads.
const maxLine = 64<<10 - 1

// overlong returns the first line that is too long, or 0.
func overlong(text []byte) int {
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if len(bytes.TrimRight(line, "\r\n")) > maxLine {
			return n
		}
	}
	return 0
}

// LineOf returns the line that an instruction begins in, from 1; 0 if that is not
// known.
func LineOf(c instructions.Command) int {
	if at := c.Location(); len(at) > 0 {
		return at[0].Start.Line
	}
	return 0
}

// HasStage reports whether a stage has that name, in the form of [ShortName].
func (f *File) HasStage(name string) bool {
	return slices.ContainsFunc(f.Stages, func(s instructions.Stage) bool { return ShortName(s.Name) == name })
}

// HasArg reports whether a stage has an ARG with this name, whose value BuildKit keeps in
// the history of the image.
func (f *File) HasArg(name string) bool {
	for _, stage := range f.Stages {
		for _, c := range stage.Commands {
			arg, ok := c.(*instructions.ArgCommand)
			if ok && slices.ContainsFunc(arg.Args, func(a instructions.KeyValuePairOptional) bool { return a.Key == name }) {
				return true
			}
		}
	}
	return false
}

// DeclaresArg reports whether an ARG of a stage, or one above the first FROM, has this name.
func (f *File) DeclaresArg(name string) bool {
	return f.HasArg(name) || slices.ContainsFunc(f.Args, func(c instructions.ArgCommand) bool {
		return slices.ContainsFunc(c.Args, func(a instructions.KeyValuePairOptional) bool { return a.Key == name })
	})
}

// NamesPlatform reports whether a FROM says for which platform it is.
func (f *File) NamesPlatform() bool {
	return slices.ContainsFunc(f.Stages, func(s instructions.Stage) bool { return s.Platform != "" })
}

// Final returns the number of the stage that is the image in a build with the options o:
// the target, or else the last stage; -1 if the file has no such stage.
func (f *File) Final(o Options) int {
	if o.Target == "" {
		return len(f.Stages) - 1
	}
	return f.stageAbove(len(f.Stages), o.Target)
}

// FinalBase returns the image that the final stage is built on, possibly through other
// stages, in a build for the first platform of o. It is empty for FROM scratch, for a
// folder, and if BuildKit cannot expand the name. isFolder reports whether the build
// replaces a name with a folder.
func (f *File) FinalBase(o Options, isFolder func(name string) bool) string {
	env, lex := f.environments(o)[0], shell.NewLex(f.Escape)
	for i := f.Final(o); i >= 0; {
		name, _, err := lex.ProcessWord(f.Stages[i].BaseName, env)
		if err != nil || name == "scratch" || isFolder(name) {
			return "" // BuildKit reports the error
		}
		above := f.stageAbove(i, name)
		if above < 0 {
			return name
		}
		i = above
	}
	return ""
}

// Labels returns the names of the labels that f gives the image, and not its base. They
// are not known if one has a variable in its name.
func (f *File) Labels(o Options) (names []string, known bool) {
	env, lex := f.environments(o)[0], shell.NewLex(f.Escape)
	for i := f.Final(o); i >= 0; {
		for _, c := range f.Stages[i].Commands {
			label, ok := c.(*instructions.LabelCommand)
			if !ok {
				continue
			}
			for _, l := range label.Labels {
				name, err := lex.ProcessWordWithMatches(l.Key, variables{})
				if err != nil || len(name.Matched)+len(name.Unmatched) > 0 {
					return nil, false
				}
				names = append(names, name.Result)
			}
		}
		base, _, err := lex.ProcessWord(f.Stages[i].BaseName, env)
		if err != nil {
			return names, true // BuildKit reports the error
		}
		i = f.stageAbove(i, base)
	}
	return names, true
}

// stageAbove returns the number of the stage with that name above stage i, or -1.
func (f *File) stageAbove(i int, name string) int {
	for j := i - 1; j >= 0; j-- {
		if strings.EqualFold(f.Stages[j].Name, name) && name != "" {
			return j
		}
	}
	return -1
}
