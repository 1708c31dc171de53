package dockerfile

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// CheckVariables returns an [Error] for the first instruction whose variables BuildKit
// cannot expand for any value. Errors that depend on the values are left to the build.
func (f *File) CheckVariables() error {
	for _, stage := range f.Stages {
		for _, word := range []string{stage.BaseName, stage.Platform} {
			if err := checkWord(shell.NewLex(f.Escape), word); err != nil {
				return newError(parser.WithLocation(err, stage.Location))
			}
		}
		for _, c := range stage.Commands {
			if err := checkCommand(f.Escape, c); err != nil {
				return newError(parser.WithLocation(err, c.Location()))
			}
		}
	}
	return nil
}

// CheckSources returns an [Error] for the first COPY from a stage that no file can have.
func (f *File) CheckSources() error {
	for _, stage := range f.Stages {
		for _, c := range stage.Commands {
			if err := f.checkFrom(c); err != nil {
				return newError(parser.WithLocation(err, c.Location()))
			}
		}
	}
	return nil
}

// checkCommand checks the words of one instruction. It does not change them, because
// their meaning for BuildKit, such as the type of a mount, depends on the values.
func checkCommand(escape rune, c instructions.Command) error {
	var first error
	expander := func(lex *shell.Lex) instructions.SingleWordExpander {
		return func(word string) (string, error) {
			if first == nil {
				first = checkWord(lex, word)
			}
			return word, nil
		}
	}
	// BuildKit does not expand the default of an argument that has a value.
	_, isArg := c.(*instructions.ArgCommand)
	if words, ok := c.(instructions.SupportsSingleWordExpansion); ok && !isArg {
		_ = words.Expand(expander(shell.NewLex(escape)))
	}
	if texts, ok := c.(instructions.SupportsSingleWordExpansionRaw); ok { // heredocs
		lex := shell.NewLex('\\') // with any escape character of the file, as BuildKit does
		lex.SkipProcessQuotes = true
		_ = texts.ExpandRaw(expander(lex))
	}
	return first
}

// checkFrom returns an error for a COPY from a variable, of which BuildKit expands none
// there, and for one from the number of a stage that does not exist.
func (f *File) checkFrom(c instructions.Command) error {
	source, ok := c.(*instructions.CopyCommand)
	if !ok || source.From == "" {
		return nil
	}
	if n, err := strconv.Atoi(source.From); err == nil && (n < 0 || n >= len(f.Stages)) {
		return fmt.Errorf("COPY --from=%s: the file has %d stages, and the first is 0", source.From, len(f.Stages))
	}
	if text, _, err := shell.NewLex(f.Escape).ProcessWord(source.From, variables{}); err != nil || text == source.From {
		return err
	}
	return fmt.Errorf("COPY --from=%s: BuildKit expands no variables here; name a stage that is FROM %[1]s", source.From)
}

func checkWord(lex *shell.Lex, word string) error {
	_, _, err := lex.ProcessWord(word, anything{})
	if err == nil {
		return nil
	}
	// BuildKit takes the end of the text or of a line for a modifier.
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

// variables are the names and values of variables.
type variables map[string]string

// Get implements [shell.EnvGetter].
func (v variables) Get(name string) (string, bool) { value, ok := v[name]; return value, ok }

// Keys implements [shell.EnvGetter].
func (v variables) Keys() []string { return slices.Sorted(maps.Keys(v)) }

// Expand removes the quotes of a word and replaces its variables. It is not ok
// if the word is malformed or has a variable without a value, even one with a
// default. escape is the escape character of the file.
func Expand(word, escape string, values map[string]string) (text string, ok bool) {
	text, unset, err := shell.NewLex(rune(escape[0])).ProcessWord(word, variables(values))
	return text, err == nil && len(unset) == 0
}

// ExpandKnown expands a word as [Expand] does, and puts unknown in the place of each
// variable that has neither a value nor a default. It is not ok if the word is malformed.
func ExpandKnown(word, escape, unknown string, values map[string]string) (text string, ok bool) {
	if !strings.ContainsAny(word, `$"'`+escape) {
		return word, true
	}
	lex := shell.NewLex(rune(escape[0]))
	res, err := lex.ProcessWordWithMatches(word, variables(values))
	if err != nil {
		return "", false
	}
	all := maps.Clone(values)
	for name := range res.Unmatched {
		if !hasDefault(word, name) {
			all[name] = unknown
		}
	}
	if len(all) > len(values) {
		res, err = lex.ProcessWordWithMatches(word, variables(all))
	}
	return res.Result, err == nil
}

// A Pair is a name and its value in an ENV or a LABEL, not expanded.
type Pair struct{ Name, Value string }

// ParsePairs parses an ENV or a LABEL on one line, and returns its keyword in
// lower case. It is not ok if BuildKit cannot parse the line.
func ParsePairs(line, escape string) (keyword string, pairs []Pair, ok bool) {
	ast, err := parser.Parse(strings.NewReader("# escape=" + escape + "\n" + line))
	if err != nil || len(ast.AST.Children) != 1 {
		return "", nil, false
	}
	node := ast.AST.Children[0]
	// A pair is three nodes: its name, its value and the separator.
	for n := node.Next; n != nil && n.Next != nil && n.Next.Next != nil; n = n.Next.Next.Next {
		pairs = append(pairs, Pair{n.Value, n.Next.Value})
	}
	return strings.ToLower(node.Value), pairs, true
}
