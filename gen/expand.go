package gen

import (
	"errors"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// expandable returns an error, with its place, for an instruction whose
// variables BuildKit cannot put in, whatever values they have. What is wrong
// with some values only, the build has to find.
func expandable(escape rune, stages []instructions.Stage) error {
	for _, stage := range stages {
		for _, word := range []string{stage.BaseName, stage.Platform} {
			if err := expand(shell.NewLex(escape), word); err != nil {
				return parser.WithLocation(err, stage.Location)
			}
		}
		for _, c := range stage.Commands {
			if err := expandCommand(escape, c); err != nil {
				return parser.WithLocation(err, c.Location())
			}
		}
	}
	return nil
}

// expandCommand is about the words of one instruction. It leaves them as they
// are: what BuildKit makes of them, as of the type of a mount, depends on the values.
func expandCommand(escape rune, c instructions.Command) error {
	var first error
	expander := func(lex *shell.Lex) instructions.SingleWordExpander {
		return func(word string) (string, error) {
			if first == nil {
				first = expand(lex, word)
			}
			return word, nil
		}
	}
	// A default that is wrong is not looked at if the argument is given.
	_, isArg := c.(*instructions.ArgCommand)
	if words, ok := c.(instructions.SupportsSingleWordExpansion); ok && !isArg {
		_ = words.Expand(expander(shell.NewLex(escape)))
	}
	if texts, ok := c.(instructions.SupportsSingleWordExpansionRaw); ok { // heredocs
		lex := shell.NewLex('\\') // whatever the escape character of the file, as BuildKit does
		lex.SkipProcessQuotes = true
		_ = texts.ExpandRaw(expander(lex))
	}
	return first
}

func expand(lex *shell.Lex, word string) error {
	_, _, err := lex.ProcessWord(word, anything{})
	if err == nil {
		return nil
	}
	// For BuildKit, the end of the text or of a line is a modifier like others.
	return errors.New(strings.NewReplacer(
		"unsupported modifier (\uFFFD) in substitution", "missing '}'",
		"unsupported modifier (\n) in substitution", "missing '}'",
	).Replace(err.Error()))
}

// anything has a value for every variable.
type anything struct{}

// Get implements [shell.EnvGetter].
func (anything) Get(string) (string, bool) { return "x", true }

// Keys implements [shell.EnvGetter].
func (anything) Keys() []string { return nil }
