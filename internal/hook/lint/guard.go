package lint

import (
	"slices"

	"bkt/internal/hook/command"

	"mvdan.cc/sh/v3/syntax"
)

// A guard is a condition under which a command runs.
type guard struct {
	met   bool // the command runs if the condition is met; false: if it is not
	tests []test
}

// A test is a command in a condition that examines the system.
type test struct {
	negated bool
	present string // the path that it tests the existence of, if it does
	lookup  bool   // it tests the existence of a command
}

// prevents reports whether the guard can prevent that a hook adds to a file twice.
// The existence of the file, or of a program, cannot: both exist at every start.
func (g guard) prevents(target string) bool {
	for _, t := range g.tests {
		if !t.lookup && (t.present == "" || !within(target, t.present)) || g.met == t.negated {
			return true
		}
	}
	return len(g.tests) == 0
}

// guardedFrom reports whether a guard prevents that the hook adds to a file twice.
func (sc scope) guardedFrom(target string) bool {
	return slices.ContainsFunc(sc.guards, func(g guard) bool { return g.prevents(target) })
}

// under returns the scope of commands that run under one more guard.
func (sc scope) under(g guard) scope {
	sc.guards = append(slices.Clone(sc.guards), g)
	return sc
}

// questions are commands that only examine the system.
var questions = []string{
	"test", "[", "grep", "egrep", "fgrep", "zgrep", "rg", "id", "getent", "which", "type", "hash", "pgrep", "cmp", "diff",
	"stat", "ls", "readlink", "mountpoint", "findmnt", "find", "awk", "jq", "dpkg-query", "lsmod",
}

// tests returns the tests in a condition.
func (l *linter) tests(condition ...*syntax.Stmt) []test {
	var all []test
	for _, s := range condition {
		syntax.Walk(s, func(n syntax.Node) bool {
			if s, ok := n.(*syntax.Stmt); ok {
				if t, ok := l.test(s); ok {
					all = append(all, t)
				}
			}
			return true
		})
	}
	return all
}

// test returns the test in a statement, if it is one.
func (l *linter) test(s *syntax.Stmt) (test, bool) {
	switch c := s.Cmd.(type) {
	case *syntax.TestClause:
		t := l.testExpression(c.X)
		t.negated = t.negated != s.Negated
		return t, true
	case *syntax.ArithmCmd:
		return test{negated: s.Negated}, true
	case *syntax.CallExpr:
		if len(c.Args) == 0 {
			return test{}, false
		}
		t, ok := l.testCall(l.resolve(c))
		t.negated = t.negated != s.Negated
		return t, ok
	}
	return test{}, false
}

func (l *linter) testExpression(x syntax.TestExpr) test {
	u, ok := x.(*syntax.UnaryTest)
	if !ok {
		return test{}
	}
	if u.Op == syntax.TsNot {
		t := l.testExpression(u.X)
		t.negated = !t.negated
		return t
	}
	w, ok := u.X.(*syntax.Word)
	if ok && testsExistence(u.Op.String()) {
		return test{present: l.absolute(l.text(w))}
	}
	return test{}
}

func (l *linter) testCall(c command.Call) (test, bool) {
	switch {
	case c.IsLookup():
		return test{lookup: true}, true
	case c.Is("test", "["):
		args := slices.Clone(c.Args)
		if n := len(args); c.Name == "[" && n > 0 && args[n-1] == "]" {
			args = args[:n-1]
		}
		var t test
		for len(args) > 0 && args[0] == "!" {
			t.negated, args = !t.negated, args[1:]
		}
		if len(args) == 2 && testsExistence(args[0]) {
			t.present = l.absolute(args[1])
		}
		return t, true
	case c.Is(questions...):
		return test{}, true
	}
	return test{}, isQuery(c)
}

// testsExistence reports whether an operator of test is about the existence of a file.
func testsExistence(op string) bool {
	switch op {
	case "-e", "-f", "-d", "-r", "-w", "-x", "-s", "-h", "-L":
		return true
	}
	return false
}

// isQuery reports whether a command is a subcommand that only examines the system.
func isQuery(c command.Call) bool {
	if len(c.Args) == 0 {
		return false
	}
	first := c.Args[0]
	switch c.Name {
	case "rpm", "dpkg", "crontab":
		return slices.Contains([]string{"-q", "-qa", "-s", "-l", "--query", "--status", "--list"}, first)
	case "systemctl":
		return slices.Contains([]string{"is-active", "is-enabled", "is-failed", "cat", "list-units", "list-unit-files", "status"}, first)
	case "git":
		return slices.ContainsFunc(c.Args, func(a string) bool {
			return slices.Contains([]string{"--get", "--get-all", "rev-parse", "get-url", "show-ref", "status"}, a)
		})
	case "flatpak", "podman", "docker", "pip", "pip3", "pipx", "cargo", "rustup", "proto", "npm":
		return slices.ContainsFunc(c.Args, func(a string) bool {
			return slices.Contains([]string{"info", "list", "ls", "show", "exists", "inspect", "remotes", "which", "bin", "--list"}, a)
		})
	}
	return false
}

// ends reports whether a statement can leave the script, or the iteration of a loop.
func ends(n syntax.Node) bool {
	found := false
	syntax.Walk(n, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.CallExpr); ok && len(c.Args) > 0 {
			found = found || slices.Contains([]string{"exit", "return", "continue", "break"}, c.Args[0].Lit())
		}
		return !found
	})
	return found
}

// ending returns the guard of the statements after one that can end the script.
func (l *linter) ending(s *syntax.Stmt) (guard, bool) {
	switch c := s.Cmd.(type) {
	case *syntax.BinaryCmd:
		tests := l.tests(c.X)
		return guard{c.Op == syntax.OrStmt, tests}, len(tests) > 0 && c.Op != syntax.Pipe && ends(c.Y)
	case *syntax.IfClause:
		for _, then := range c.Then {
			if ends(then) {
				return guard{false, l.tests(c.Cond...)}, true
			}
		}
	}
	return guard{}, false
}

// catches reports whether a statement after || makes the failure of the command
// before it harmless.
func (l *linter) catches(s *syntax.Stmt) bool {
	caught := !ends(s)
	if c, ok := s.Cmd.(*syntax.CallExpr); ok && len(c.Args) > 0 && c.Args[0].Lit() == "false" {
		caught = false
	}
	return caught
}
