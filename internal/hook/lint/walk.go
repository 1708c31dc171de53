package lint

import (
	"slices"

	"mvdan.cc/sh/v3/syntax"
)

// A scope is what holds for a command because of where it stands.
type scope struct {
	node      syntax.Node // what a finding shows
	guards    []guard
	tolerated bool   // that the command fails does no harm
	fed       bool   // it reads what another prints
	feeds     bool   // another reads what it prints
	varying   bool   // what it reads is something else at every start
	stdout    string // the file that it prints to
}

// statements walks statements in their order.
func (l linter) statements(list []*syntax.Stmt, sc scope) {
	for _, s := range list {
		l.statement(s, sc)
		if g, ok := l.ending(s); ok {
			sc = sc.under(g)
		}
	}
}

func (l linter) statement(s *syntax.Stmt, sc scope) {
	sc.node = s
	sc.tolerated = sc.tolerated || s.Negated || s.Background
	written := l.redirects(s, &sc)
	l.command(s.Cmd, sc)
	if len(sc.guards) == 0 {
		l.fresh = append(l.fresh, written...)
	}
}

// redirects looks at where a statement writes to, and returns the files that it
// writes anew.
func (l linter) redirects(s *syntax.Stmt, sc *scope) (written []string) {
	for _, r := range s.Redirs {
		if r.Word == nil {
			continue
		}
		l.substitutions(r, *sc)
		target := l.absolute(l.text(r.Word))
		switch r.Op {
		case syntax.AppOut, syntax.AppAll:
			if !isSilent(s.Cmd) {
				l.appends(target, *sc)
			}
		case syntax.RdrOut, syntax.RdrClob, syntax.RdrAll, syntax.RdrAllClob:
			if r.N != nil && r.N.Value != "1" {
				continue
			}
			sc.stdout, sc.feeds = target, false
			written = append(written, target)
			if sc.varying || l.varies(s) {
				l.writesVarying(target, *sc)
			}
		}
	}
	return written
}

// isSilent reports whether a command prints nothing: with a redirection it only
// sees to it that the file is there.
func isSilent(c syntax.Command) bool {
	simple, ok := c.(*syntax.CallExpr)
	return c == nil || ok && len(simple.Args) > 0 && slices.Contains([]string{":", "true"}, simple.Args[0].Lit())
}

func (l linter) command(c syntax.Command, sc scope) {
	switch c := c.(type) {
	case *syntax.CallExpr:
		l.simple(c, sc)
	case *syntax.BinaryCmd:
		l.binary(c, sc)
	case *syntax.IfClause:
		l.conditional(c, sc)
	case *syntax.WhileClause:
		l.statements(c.Cond, sc.asCondition())
		l.statements(c.Do, sc.under(guard{!c.Until, l.tests(c.Cond...)}))
	case *syntax.ForClause:
		l.substitutions(c.Loop, sc)
		l.statements(c.Do, sc)
	case *syntax.CaseClause:
		l.substitutions(c.Word, sc)
		for _, item := range c.Items {
			l.statements(item.Stmts, sc.under(guard{}))
		}
	case *syntax.Block:
		l.statements(c.Stmts, sc)
	case *syntax.Subshell:
		l.inSubshell(c.Stmts, sc)
	case *syntax.FuncDecl:
		if c.Name != nil {
			l.functions = append(l.functions, c.Name.Value)
		}
		l.statement(c.Body, sc)
	case *syntax.DeclClause:
		l.substitutions(c, sc)
		l.assign(c.Args)
	case *syntax.TestClause:
		l.substitutions(c, sc)
	case *syntax.TimeClause:
		if c.Stmt != nil {
			l.statement(c.Stmt, sc)
		}
	case *syntax.CoprocClause:
		l.statement(c.Stmt, sc)
	}
}

// inSubshell walks statements of which the rest of the script knows nothing.
func (l linter) inSubshell(list []*syntax.Stmt, sc scope) {
	dir, pipefail, lenient := l.dir, l.pipefail, l.lenient
	l.statements(list, sc)
	l.dir, l.pipefail, l.lenient = dir, pipefail, lenient
}

// asCondition is the scope of a condition: it may fail.
func (sc scope) asCondition() scope {
	sc.tolerated = true
	return sc
}

func (l linter) conditional(c *syntax.IfClause, sc scope) {
	if len(c.Cond) == 0 { // else
		l.statements(c.Then, sc)
		return
	}
	l.statements(c.Cond, sc.asCondition())
	tests := l.tests(c.Cond...)
	l.statements(c.Then, sc.under(guard{true, tests}))
	if c.Else != nil {
		l.conditional(c.Else, sc.under(guard{false, tests}))
	}
}

func (l linter) binary(c *syntax.BinaryCmd, sc scope) {
	switch c.Op {
	case syntax.AndStmt:
		l.statement(c.X, sc)
		if tests := l.tests(c.X); len(tests) > 0 {
			sc = sc.under(guard{true, tests})
		}
		l.statement(c.Y, sc)
	case syntax.OrStmt:
		left := sc
		left.tolerated = sc.tolerated || l.catches(c.Y)
		l.statement(c.X, left)
		l.statement(c.Y, sc.under(guard{false, l.tests(c.X)}))
	default:
		l.pipe(c, sc)
	}
}

// pipe walks both sides of a pipe, of which the last alone tells whether all
// went well, unless the hook has it otherwise.
func (l linter) pipe(c *syntax.BinaryCmd, sc scope) {
	left, right := sc, sc
	left.feeds, left.stdout = true, ""
	left.tolerated = sc.tolerated || !l.pipefail
	right.fed, right.varying = true, sc.varying || l.varies(c.X)
	dir := l.dir
	l.statement(c.X, left)
	l.dir = dir
	l.pipesTo(c, sc)
	l.statement(c.Y, right)
	l.dir = dir
}

// simple walks a simple command: what is substituted in it, what it assigns,
// and what it does.
func (l linter) simple(c *syntax.CallExpr, sc scope) {
	l.substitutions(c, sc)
	if len(c.Args) == 0 {
		l.assign(c.Assigns)
		return
	}
	resolved := l.resolve(c)
	if slices.Contains(l.functions, resolved.name) {
		return
	}
	for _, check := range checks {
		check(l, resolved, sc)
	}
	l.remember(resolved, sc)
	l.nested(resolved, sc)
}

// substitutions walks the scripts in the words of a command.
func (l linter) substitutions(n syntax.Node, sc scope) {
	inner := scope{guards: sc.guards, tolerated: sc.tolerated, feeds: true}
	syntax.Walk(n, func(n syntax.Node) bool {
		switch s := n.(type) {
		case *syntax.CmdSubst:
			l.inSubshell(s.Stmts, inner)
			return false
		case *syntax.ProcSubst:
			inner.tolerated = true
			l.inSubshell(s.Stmts, inner)
			return false
		}
		return true
	})
}

// assign remembers the values of variables.
func (l linter) assign(list []*syntax.Assign) {
	for _, a := range list {
		if a.Value == nil || a.Name == nil {
			continue
		}
		value := l.text(a.Value)
		if a.Append {
			value = l.variables[a.Name.Value] + value
		}
		l.variables[a.Name.Value] = value
		if l.varies(a.Value) {
			l.varying = append(l.varying, a.Name.Value)
		}
	}
}

// maxDepth is how deep scripts stand in scripts that are looked at.
const maxDepth = 4

// nested walks the script that is an argument of a shell.
func (l linter) nested(c call, sc scope) {
	i, ok := c.script()
	if !ok || i >= len(c.words) || l.depth >= maxDepth {
		return
	}
	inner := l.argument(c.words[i])
	file, err := parse(inner.script)
	if err != nil {
		return // it may be a script for another shell
	}
	dir, pipefail, lenient := l.dir, l.pipefail, l.lenient
	l.depth++
	if c.isShell() {
		l.pipefail = slices.Contains(c.args[:i], "pipefail")
	}
	inner.statements(file.Stmts, sc)
	l.depth--
	l.dir, l.pipefail, l.lenient = dir, pipefail, lenient
}

// argument returns the linter of a script that is a word.
func (l linter) argument(w *syntax.Word) linter {
	inner := linter{l.memory, l.text(w), l.offset(w.Pos()), false}
	if len(w.Parts) != 1 {
		return inner
	}
	if q, ok := w.Parts[0].(*syntax.SglQuoted); ok && !q.Dollar && l.exact {
		inner.start, inner.exact = l.offset(q.Left)+1, true
	}
	return inner
}

// remember notes what a command does to what follows.
func (l linter) remember(c call, sc scope) {
	o := parseOptions(c.args, "")
	switch c.name {
	case "cd", "pushd":
		l.changeDir(o.operands)
	case "set":
		l.setOptions(c.args)
	case "trap":
		l.trap(c)
	case "rm", "unlink", "rmdir":
		l.removed = append(l.removed, l.all(o.operands)...)
		l.fresh = append(l.fresh, l.all(o.operands)...)
	case "mv":
		if n := len(o.operands); n > 1 {
			l.removed = append(l.removed, l.all(o.operands[:n-1])...)
		}
	case "tar", "unzip", "bsdtar", "7z", "cpio", "git", "wget", "aria2c", "make", "go", "cargo", "npm", "gunzip", "unxz", "unzstd", "dnf", "rpm2cpio", "ar":
		l.unpacks = true
	}
	l.mentioned = append(l.mentioned, l.all(c.args)...)
	if sc.stdout != "" {
		l.mentioned = append(l.mentioned, sc.stdout)
	}
	if len(sc.guards) == 0 {
		l.fresh = append(l.fresh, l.writes(c)...)
	}
}

// writes returns the files that a command writes anew.
func (l linter) writes(c call) []string {
	o := parseOptions(c.args, "-m --mode -o --output -O --output-document -g --group --owner -t --target-directory")
	switch c.name {
	case "cp", "install", "mv":
		if n := len(o.operands); n > 1 {
			return l.all(o.operands[n-1:])
		}
	case "tee":
		if !o.has("-a", "--append") {
			return l.all(o.operands)
		}
	case "truncate":
		return l.all(o.operands)
	case "curl":
		return l.all(o.values("-o", "--output"))
	case "wget":
		return l.all(o.values("-O", "--output-document"))
	}
	return nil
}

func (l linter) changeDir(operands []string) {
	switch {
	case len(operands) == 0:
		l.dir = "$HOME"
	case operands[0] == "-":
		l.dir = ""
	default:
		l.dir = l.absolute(operands[0])
	}
}

// setOptions follows set -e, set +e and set -o pipefail.
func (l linter) setOptions(args []string) {
	for i, arg := range args {
		if len(arg) < 2 || arg[0] != '-' && arg[0] != '+' {
			continue
		}
		on := arg[0] == '-'
		for _, letter := range arg[1:] {
			switch {
			case letter == 'e':
				l.lenient = !on
			case letter == 'o' && i+1 < len(args) && args[i+1] == "pipefail":
				l.pipefail = on
			case letter == 'o' && i+1 < len(args) && args[i+1] == "errexit":
				l.lenient = !on
			}
		}
	}
}

// trap remembers what a hook removes when it ends.
func (l linter) trap(c call) {
	if len(c.words) < 2 {
		return
	}
	inner := l.argument(c.words[0])
	file, err := parse(inner.script)
	if err != nil {
		return
	}
	inner.calls(file, func(c call) {
		if c.is("rm", "rmdir", "unlink") {
			for _, w := range c.words {
				l.removed = append(l.removed, l.absolute(inner.text(w)))
			}
		}
	})
}
