// Package lint finds commands in init hooks that are not idempotent, or leave a
// container different from a new one. It runs nothing, and reports nothing that
// it cannot know from the text.
//
// It walks the commands of all hooks of a container in the order in which they run, and
// checks each against the rules with what is known at that point. Each hook has a shell
// of its own: variables, functions and the working folder end with it, files do not.
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

// Check returns the rules that hooks break, hook by hook in the order of their text. The
// hooks of a container follow each other, in the order in which they run. Files that a hook
// declares volatile may differ, and rules that it allows may be broken. A hook that cannot
// be parsed has one finding, of the rule "syntax", and one that is too complex has one of
// the rule "limit".
func Check(hooks []*hook.Declared) []hook.Finding {
	left := &budget{nodes: maxAllNodes}
	var found []hook.Finding
	for len(hooks) > 0 {
		n := 1
		for n < len(hooks) && hooks[n].Container == hooks[0].Container {
			n++
		}
		m := &memory{copies: map[string]copied{}}
		for i, h := range hooks[:n] {
			m.walk(i, h, left)
		}
		for i, h := range hooks[:n] {
			found = append(found, m.findings(i, h)...)
		}
		hooks = hooks[n:]
	}
	return found
}

// A memory is what is known of the files of a container and of its state, and the findings
// so far, while its hooks run one after the other.
type memory struct {
	clock      int      // counts effects and guards
	compared   int      // effects with guards
	effects    []effect // in order
	fresh      []place  // paths that hooks have created or removed
	folders    []string // that hooks have created
	cleaned    []place  // texts that hooks have deleted from files
	removed    []string // paths that hooks remove or move away
	deduped    []string // files without repeated lines
	mentioned  []string // arguments of the commands so far
	downloads  []string // files from the network
	copies     map[string]copied
	unpacks    bool // files have come from a source that does not name them
	candidates []candidate
}

// A place is a path, with the guards under which something has happened there.
type place struct {
	path   string
	guards []*guard
	text   pattern
}

// holds reports whether what has happened at p is also true in scope sc.
func (p place) holds(sc scope) bool { return surrounds(p.guards, sc.guards) }

// A copied file has the text of others.
type copied struct {
	from  []string
	added bool // and more
}

// A state is the knowledge at a point of a hook, in the order in which it runs.
type state struct {
	*memory
	hook       int // of the container, in order
	variables  map[string]string
	varying    []string // variables that have another value at every start
	fetched    []string // variables whose value has come from the network
	loops      []string // variables of loops, and those that read sets
	functions  []string // that the hook defines
	dir        string   // the working folder; "" if unknown
	pinned     string   // the first variable for an installer that has a version
	pipefail   bool
	errexitOff bool // set +e
	depth      int  // of scripts in scripts
	budget     *budget
}

// A candidate is a finding unless something excuses it.
type candidate struct {
	hook    int // of the container, in order
	rule    Rule
	offset  int
	source  string
	reason  string   // instead of the rule's
	paths   []string // that it is about
	effects []effect // of the command
	guards  []*guard
	at      int    // the order of effects and guards
	unless  *guard // the hook ends with an error if this is not met the second time
}

// walk walks a hook, the index-th of its container, with what is left for all hooks.
func (m *memory) walk(index int, h *hook.Declared, all *budget) {
	s := &state{memory: m, hook: index, variables: map[string]string{}, budget: &budget{nodes: min(maxNodes, all.nodes)}}
	before, first := s.budget.nodes, len(m.candidates)
	defer func() { all.nodes -= before - max(s.budget.nodes, 0) }()
	l := &linter{s, h.Run, 0, true}
	only := func(rule string, offset int, reason string) {
		m.candidates = append(m.candidates[:first], candidate{hook: index, rule: ruleNamed(rule), offset: offset, source: excerpt(h.Run), reason: reason})
	}
	file, err := s.budget.parse(h.Run)
	if limit, ok := errors.AsType[script.LimitError](err); ok {
		only("limit", 0, limit.Error())
		return
	}
	if err != nil {
		reason, offset := describeSyntax(err)
		only("syntax", offset, reason)
		return
	}
	gone := len(m.removed)
	l.walkStatements(file.Stmts, scope{last: true, elevated: h.AsRoot()})
	l.expandRemoved(gone)
	if s.budget.exceeded != nil {
		only("limit", 0, s.budget.exceeded.Error())
	}
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

// findings returns the candidates of hook h, the index-th of its container, that nothing excuses.
func (m *memory) findings(index int, h *hook.Declared) []hook.Finding {
	var left []candidate
	for _, c := range m.candidates {
		if c.hook == index && !m.excuses(c, h) && !slices.ContainsFunc(left, c.repeats) {
			left = append(left, c)
		}
	}
	slices.SortStableFunc(left, func(a, b candidate) int { return cmp.Compare(a.offset, b.offset) })
	var all []hook.Finding
	for _, c := range left {
		c.rule.Use = c.use()
		all = append(all, c.rule.At(h, min(max(c.offset, 0), len(h.Run)), c.source, c.reason))
	}
	return all
}

// excuses reports whether something makes a candidate in hook h harmless.
func (m *memory) excuses(c candidate, h *hook.Declared) bool {
	e := c.rule.excuse
	switch {
	case slices.Contains(h.Allow, c.rule.Name):
		return true
	case e&ifRemoved != 0 && coversAll(m.removed, c.paths),
		e&ifSorted != 0 && coversAll(m.deduped, c.paths),
		e&ifRemade != 0 && m.makesAgain(c),
		e&ifCaught == 0 && areVolatile(h.Volatile, c.paths):
		return true
	case e&ifGuarded != 0 && m.prevents(c.guards, c.effects):
		return true
	}
	return c.unless != nil && !m.ceases(c)
}

// ceases reports whether the condition of a candidate is not met when its hook runs again.
func (m *memory) ceases(c candidate) bool {
	t := m.answer(c.unless, nil)
	return t == no || t == unknown && c.unless.negates()
}

// repeats reports whether c would be the same finding as d.
func (c candidate) repeats(d candidate) bool {
	return c.rule == d.rule && c.offset == d.offset && c.source == d.source
}

// makesAgain reports whether hooks make the paths of a candidate after it.
func (m *memory) makesAgain(c candidate) bool {
	var made []string
	for _, e := range m.effects {
		if e.at > c.at && (e.kind == creates || e.kind == populates) && surrounds(e.guards, c.guards) {
			made = append(made, e.path)
		}
	}
	return coversAll(made, c.paths)
}

// coversAll reports whether each of the paths is in one of the folders.
func coversAll(folders, paths []string) bool {
	return len(paths) > 0 && !slices.ContainsFunc(paths, func(p string) bool { return !withinAny(p, folders...) })
}

// areVolatile reports whether all the paths are declared volatile.
func areVolatile(volatile, paths []string) bool {
	var folders []string
	for _, v := range volatile {
		folders = append(folders, atHome(v))
	}
	return coversAll(folders, paths)
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
// harmless. paths are what the command creates or, where the rule says so, removes.
func (l *linter) report(rule string, sc scope, paths ...string) {
	kind := creates
	switch rule {
	case "move", "remove":
		kind = removes
	case "clone":
		kind = populates
	}
	l.reportEffects(rule, sc, effectsOn(paths, kind)...)
}

// reportNamed notes that a command creates something that has one of the names.
func (l *linter) reportNamed(rule string, sc scope, names ...string) {
	l.reportEffects(rule, sc, effect{kind: registers, names: names})
}

// reportEffects is report for a command with effects.
func (l *linter) reportEffects(rule string, sc scope, effects ...effect) {
	r := ruleNamed(rule)
	if r.excuse&ifCaught != 0 && (sc.tolerated || l.errexitOff) {
		return
	}
	c := candidate{hook: l.hook, rule: r, offset: l.offset(sc.node.Pos()), source: l.source(sc.node), effects: effects, guards: sc.guards, at: l.clock}
	for _, e := range effects {
		if e.path != "" {
			c.paths = append(c.paths, e.path)
		}
	}
	l.candidates = append(l.candidates, c)
}
