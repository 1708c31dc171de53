package lint

import (
	"slices"

	"mvdan.cc/sh/v3/syntax"
)

// A guard is a condition under which commands run.
type guard struct {
	condition
	at    int // the order of effects and guards
	depth int // how many others are around it
}

// guard returns a guard for the commands that follow.
func (l *linter) guard(c condition) *guard {
	l.clock++
	return &guard{condition: c, at: l.clock}
}

// under returns the scope of commands that run under one more guard.
func (sc scope) under(g *guard) scope {
	g.depth = len(sc.guards)
	sc.guards = append(slices.Clone(sc.guards), g)
	return sc
}

// surrounds reports whether commands under the guards inner only run if those under the guards
// outer do.
func surrounds(outer, inner []*guard) bool {
	n := len(outer)
	return n == 0 || n <= len(inner) && inner[n-1] == outer[n-1]
}

// maxGuards and maxCompared limit the time that guards take. What exceeds them is not
// reported.
const (
	maxGuards   = 32
	maxCompared = 2_000_000 // effects, in all hooks of a container
)

// prevents reports whether one of the guards can prevent that own effects occur again.
func (m *memory) prevents(guards []*guard, own []effect) bool {
	if len(guards) > maxGuards {
		return true
	}
	return slices.ContainsFunc(guards, func(g *guard) bool {
		t := m.answer(g, own)
		return t == no || t == unknown
	})
}

// answer returns what a guard is when the hook runs again.
func (m *memory) answer(g *guard, own []effect) truth {
	w := world{effects: slices.Clone(own)}
	if m.compared += len(m.effects); m.compared > maxCompared {
		return unknown
	}
	for _, e := range m.effects {
		if e.at < g.at {
			continue
		}
		if e.kind != anything {
			w.effects = append(w.effects, e)
			continue
		}
		w.inside = w.inside || g.depth < len(e.guards) && e.guards[g.depth] == g
	}
	return g.after(w)
}

// ends reports whether a statement can leave the script or the iteration of a loop.
func ends(n syntax.Node) bool {
	_, found := exit(n)
	return found
}

// exit returns the first command in a node that leaves the script or the iteration of a loop.
func exit(n syntax.Node) (left *syntax.CallExpr, found bool) {
	syntax.Walk(n, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.CallExpr); ok && !found && len(c.Args) > 0 &&
			slices.Contains([]string{"exit", "return", "continue", "break"}, c.Args[0].Lit()) {
			left, found = c, true
		}
		return !found
	})
	return left, found
}

// ending returns the condition of the statements after one that can end the script.
func (l *linter) ending(s *syntax.Stmt) (condition, bool) {
	switch c := s.Cmd.(type) {
	case *syntax.BinaryCmd:
		if c.Op == syntax.Pipe || c.Op == syntax.PipeAll || !ends(c.Y) {
			return condition{}, false
		}
		if c.Op == syntax.OrStmt {
			return l.condition(c.X).succeeds(), true
		}
		return negated(l.condition(c.X), true), true
	case *syntax.IfClause:
		for _, then := range c.Then {
			if ends(then) {
				return negated(l.conditionOf(c.Cond), true), true
			}
		}
	}
	return condition{}, false
}

// catches reports whether a statement after || makes the failure of the command
// before it harmless.
func (l *linter) catches(s *syntax.Stmt) bool {
	if c, ok := s.Cmd.(*syntax.CallExpr); ok && len(c.Args) > 0 && c.Args[0].Lit() == "false" {
		return false
	}
	left, found := exit(s)
	if !found {
		return true
	}
	switch left.Args[0].Lit() {
	case "exit", "return":
		return len(left.Args) > 1 && left.Args[1].Lit() == "0"
	}
	return false
}
