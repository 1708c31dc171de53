package lint

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"bkt/internal/script"

	"mvdan.cc/sh/v3/syntax"
)

// The limits of what is checked. The time of a check grows with the number of nodes in a
// hook, which are its words, commands and operators, times their nesting; a list of
// commands joined by && nests, too.
const (
	maxHook     = 64 << 10 // bytes
	maxNodes    = 20_000   // of a hook, with the scripts in it
	maxAllNodes = 100_000  // of all hooks
	maxNesting  = 400      // of nodes
	maxExcerpt  = 200      // bytes of a command that a finding shows
)

// A budget is what is left of the limits for a hook.
type budget struct {
	nodes    int
	exceeded error // the first limit that a script exceeds
}

// parse parses a script: a hook, or a script in one. bash understands the syntax of all
// other shells in containers, except for forms that nobody writes. A script that exceeds
// a limit is a [script.LimitError].
func (b *budget) parse(text string) (*syntax.File, error) {
	file, err := b.parsed(text)
	if _, ok := errors.AsType[script.LimitError](err); ok && b.exceeded == nil {
		b.exceeded = err
	}
	return file, err
}

func (b *budget) parsed(text string) (*syntax.File, error) {
	if b.nodes < 0 {
		return nil, b.exceeded
	}
	if len(text) > maxHook {
		return nil, script.LimitError(fmt.Sprintf("larger than %d KiB, the limit", maxHook>>10))
	}
	file, err := script.Parse(text, syntax.Variant(syntax.LangBash))
	if err != nil {
		return nil, err
	}
	nodes, depth := measure(file)
	if depth > maxNesting {
		return nil, script.LimitError(fmt.Sprintf("more than %d levels of nesting, the limit", maxNesting))
	}
	if b.nodes -= nodes; b.nodes < 0 {
		return nil, script.LimitError(fmt.Sprintf("more than %d words, commands and operators in a hook, or %d in all hooks, the limit", maxNodes, maxAllNodes))
	}
	return file, nil
}

// measure returns the number of nodes of a script, and how deep they nest.
func measure(file *syntax.File) (nodes, depth int) {
	level := 0
	syntax.Walk(file, func(n syntax.Node) bool {
		if n == nil {
			level--
			return true
		}
		nodes++
		level++
		depth = max(depth, level)
		return true
	})
	return nodes, depth
}

// excerpt returns the beginning of a command, for people.
func excerpt(source string) string {
	if len(source) <= maxExcerpt {
		return source
	}
	end := maxExcerpt
	for end > 0 && !utf8.RuneStart(source[end]) {
		end--
	}
	return source[:end]
}
