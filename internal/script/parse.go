package script

import (
	"fmt"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// The limits of a script that is parsed. The parser calls itself for each bracket, and
// needs some 13 kB of memory for it; what walks a script calls itself for each operator.
const (
	MaxSize      = 1 << 20 // bytes
	MaxBrackets  = 10_000
	MaxOperators = 100_000 // the characters & and |
)

// A LimitError is a limit that a script exceeds.
type LimitError string

func (e LimitError) Error() string { return string(e) }

// Parse parses a script. A script that is too large is a [LimitError].
func Parse(text string, options ...syntax.ParserOption) (*syntax.File, error) {
	if len(text) > MaxSize {
		return nil, LimitError(fmt.Sprintf("larger than %d KiB, the limit", MaxSize>>10))
	}
	if count(text, "(", "[", "{") > MaxBrackets {
		return nil, LimitError(fmt.Sprintf("more than %d brackets, the limit", MaxBrackets))
	}
	if count(text, "&", "|") > MaxOperators {
		return nil, LimitError(fmt.Sprintf("more than %d operators, the limit", MaxOperators))
	}
	return syntax.NewParser(options...).Parse(strings.NewReader(text), "")
}

// count returns how often the strings are in a text.
func count(text string, all ...string) int {
	n := 0
	for _, s := range all {
		n += strings.Count(text, s)
	}
	return n
}
