// Package lint finds commands in init hooks that are not idempotent, or leave a
// container different from a new one. It runs nothing, and reports nothing that
// it cannot know from the text.
//
// It walks the commands of a hook in the order in which they run, and checks each
// against the rules with what is known at that point.
package lint

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"bkt/internal/hook"
	"bkt/internal/script"

	"mvdan.cc/sh/v3/syntax"
)

// Check returns the rules that hooks break, hook by hook in the order of their text. Files
// that a hook declares volatile may differ. A hook that cannot be parsed has one finding, of
// the rule "syntax", and one that is too complex has one of the rule "limit".
func Check(hooks []*hook.Declared) []hook.Finding {
	left := &budget{nodes: maxAllNodes}
	var found []hook.Finding
	for _, h := range hooks {
		found = append(found, check(h, left)...)
	}
	return found
}

// check checks a hook with what is left for all hooks.
func check(h *hook.Declared, all *budget) []hook.Finding {
	s := &state{variables: map[string]string{}, budget: &budget{nodes: min(maxNodes, all.nodes)}}
	before := s.budget.nodes
	defer func() { all.nodes -= before - max(s.budget.nodes, 0) }()
	l := &linter{s, h.Run, 0, true}
	file, err := s.budget.parse(h.Run)
	if limit, ok := errors.AsType[script.LimitError](err); ok {
		return []hook.Finding{ruleNamed("limit").At(h, 0, excerpt(h.Run), limit.Error())}
	}
	if err != nil {
		reason, offset := describeSyntax(err)
		return []hook.Finding{ruleNamed("syntax").At(h, min(offset, len(h.Run)), excerpt(h.Run), reason)}
	}
	l.walkStatements(file.Stmts, scope{})
	if s.budget.exceeded != nil {
		return []hook.Finding{ruleNamed("limit").At(h, 0, excerpt(h.Run), s.budget.exceeded.Error())}
	}
	return s.findings(h)
}

// describeSyntax returns the parser's message, and the offset in the script.
func describeSyntax(err error) (reason string, offset int) {
	if e, ok := errors.AsType[syntax.ParseError](err); ok {
		return "cannot be parsed: " + e.Text, int(e.Pos.Offset())
	}
	if e, ok := errors.AsType[syntax.LangError](err); ok {
		offset = int(e.Pos.Offset())
	}
	return "cannot be parsed: " + err.Error(), offset
}

// A state is the knowledge at a point of the hook, in the order in which it runs, and
// the findings so far.
type state struct {
	variables  map[string]string
	varying    []string // variables that have another value at every start
	fresh      []string // paths that the hook itself has created or removed
	removed    []string // paths that the hook removes or moves away
	mentioned  []string // arguments of the commands so far
	functions  []string // that the hook defines
	dir        string   // the working folder; "" if unknown
	unpacks    bool     // files have come from a source that does not name them
	pipefail   bool
	errexitOff bool // set +e
	depth      int  // of scripts in scripts
	budget     *budget
	candidates []candidate
}

// A candidate is a finding unless something later in the hook excuses it.
type candidate struct {
	rule   Rule
	offset int
	source string
	paths  []string // that it is about
}

// findings returns the candidates of hook h that nothing in it excuses.
func (s *state) findings(h *hook.Declared) []hook.Finding {
	var left []candidate
	for _, c := range s.candidates {
		removed := c.rule.excuse&ifRemoved != 0 && s.removesAll(c.paths)
		differs := c.rule.excuse&ifGuarded == 0 && areVolatile(h.Volatile, c.paths)
		if !removed && !differs && !slices.ContainsFunc(left, c.repeats) {
			left = append(left, c)
		}
	}
	slices.SortStableFunc(left, func(a, b candidate) int { return cmp.Compare(a.offset, b.offset) })
	var all []hook.Finding
	for _, c := range left {
		all = append(all, c.rule.At(h, min(max(c.offset, 0), len(h.Run)), c.source, ""))
	}
	return all
}

// repeats reports whether c would be the same finding as d.
func (c candidate) repeats(d candidate) bool {
	return c.rule == d.rule && c.offset == d.offset && c.source == d.source
}

// removesAll reports whether the hook removes all the paths. A trap names them by
// variables that can be set after it.
func (s *state) removesAll(paths []string) bool {
	for _, p := range paths {
		if !slices.ContainsFunc(s.removed, func(r string) bool { return within(p, s.expand(r)) }) {
			return false
		}
	}
	return len(paths) > 0
}

// expand replaces a variable at the start of a path with its value.
func (s *state) expand(p string) string {
	if !strings.HasPrefix(p, "$") {
		return p
	}
	name, rest, _ := strings.Cut(p[1:], "/")
	if value, ok := s.variables[name]; ok {
		return strings.TrimSuffix(value+"/"+rest, "/")
	}
	return p
}

// areVolatile reports whether all the paths are declared volatile.
func areVolatile(volatile, paths []string) bool {
	for _, p := range paths {
		if !slices.ContainsFunc(volatile, func(v string) bool { return within(p, atHome(v)) }) {
			return false
		}
	}
	return len(paths) > 0
}

// A linter walks one script: the hook, or one that is an argument in it.
type linter struct {
	*state
	script string
	start  int  // of the script in the hook
	exact  bool // the hook has the script literally
}

// offset returns where in the hook a position of the script is.
func (l *linter) offset(p syntax.Pos) int {
	if !l.exact {
		return l.start
	}
	return l.start + int(p.Offset())
}

// source returns the text of a node.
func (l *linter) source(n syntax.Node) string {
	from, to := int(n.Pos().Offset()), int(n.End().Offset())
	if from > to || to > len(l.script) {
		return ""
	}
	return strings.TrimRight(l.script[from:to], "; \t\n&")
}

// report notes that the command of a scope breaks a rule, unless the scope makes that
// harmless. paths are the command's.
func (l *linter) report(rule string, sc scope, paths ...string) {
	r := ruleNamed(rule)
	if r.excuse&ifGuarded != 0 && (sc.tolerated || l.errexitOff || len(sc.guards) > 0) {
		return
	}
	l.candidates = append(l.candidates, candidate{r, l.offset(sc.node.Pos()), l.source(sc.node), paths})
}
