package lint

import (
	"slices"

	"bkt/internal/hook/command"

	"mvdan.cc/sh/v3/syntax"
)

// A scope describes the context of a command.
type scope struct {
	node       syntax.Node // the text that a finding shows
	guards     []guard
	tolerated  bool   // its failure is harmless
	readsPipe  bool   // another command writes its input
	writesPipe bool   // another command reads its output
	varying    bool   // its input is different at every start
	stdout     string // the file that its output goes to
}

// walkStatements walks statements in order.
func (l *linter) walkStatements(list []*syntax.Stmt, sc scope) {
	for _, s := range list {
		l.walkStatement(s, sc)
		if g, ok := l.ending(s); ok {
			sc = sc.under(g)
		}
	}
}

func (l *linter) walkStatement(s *syntax.Stmt, sc scope) {
	sc.node = s
	sc.tolerated = sc.tolerated || s.Negated || s.Background
	written := l.walkRedirects(s, &sc)
	l.walkCommand(s.Cmd, sc)
	if len(sc.guards) == 0 {
		l.fresh = append(l.fresh, written...)
	}
}

// walkRedirects checks where a statement writes to, and returns the files that it
// overwrites.
func (l *linter) walkRedirects(s *syntax.Stmt, sc *scope) (written []string) {
	for _, r := range s.Redirs {
		if r.Word == nil {
			continue
		}
		l.walkSubstitutions(r, *sc)
		target := l.absolute(l.text(r.Word))
		switch r.Op {
		case syntax.AppOut, syntax.AppAll:
			if !isSilent(s.Cmd) {
				l.checkAppend(target, *sc)
			}
		case syntax.RdrOut, syntax.RdrClob, syntax.RdrAll, syntax.RdrAllClob:
			if r.N != nil && r.N.Value != "1" {
				continue
			}
			sc.stdout, sc.writesPipe = target, false
			written = append(written, target)
			if sc.varying || l.varies(s) {
				l.checkVarying(target, *sc)
			}
		}
	}
	return written
}

// isSilent reports whether a command prints nothing: with a redirection it only
// creates the file.
func isSilent(c syntax.Command) bool {
	simple, ok := c.(*syntax.CallExpr)
	return c == nil || ok && len(simple.Args) > 0 && slices.Contains([]string{":", "true"}, simple.Args[0].Lit())
}

func (l *linter) walkCommand(c syntax.Command, sc scope) {
	switch c := c.(type) {
	case *syntax.CallExpr:
		l.walkCall(c, sc)
	case *syntax.BinaryCmd:
		l.walkBinary(c, sc)
	case *syntax.IfClause:
		l.walkIf(c, sc)
	case *syntax.WhileClause:
		l.walkStatements(c.Cond, sc.asCondition())
		l.walkStatements(c.Do, sc.under(guard{!c.Until, l.tests(c.Cond...)}))
	case *syntax.ForClause:
		l.walkSubstitutions(c.Loop, sc)
		l.walkStatements(c.Do, sc)
	case *syntax.CaseClause:
		l.walkSubstitutions(c.Word, sc)
		for _, item := range c.Items {
			l.walkStatements(item.Stmts, sc.under(guard{}))
		}
	case *syntax.Block:
		l.walkStatements(c.Stmts, sc)
	case *syntax.Subshell:
		l.walkSubshell(c.Stmts, sc)
	case *syntax.FuncDecl:
		if c.Name != nil {
			l.functions = append(l.functions, c.Name.Value)
		}
		l.walkStatement(c.Body, sc)
	case *syntax.DeclClause:
		l.walkSubstitutions(c, sc)
		l.setVariables(c.Args)
	case *syntax.TestClause:
		l.walkSubstitutions(c, sc)
	case *syntax.TimeClause:
		if c.Stmt != nil {
			l.walkStatement(c.Stmt, sc)
		}
	case *syntax.CoprocClause:
		l.walkStatement(c.Stmt, sc)
	}
}

// walkSubshell walks statements that change nothing for the rest of the script.
func (l *linter) walkSubshell(list []*syntax.Stmt, sc scope) {
	dir, pipefail, errexitOff := l.dir, l.pipefail, l.errexitOff
	l.walkStatements(list, sc)
	l.dir, l.pipefail, l.errexitOff = dir, pipefail, errexitOff
}

// asCondition returns the scope of a condition, which may fail.
func (sc scope) asCondition() scope {
	sc.tolerated = true
	return sc
}

func (l *linter) walkIf(c *syntax.IfClause, sc scope) {
	if len(c.Cond) == 0 { // else
		l.walkStatements(c.Then, sc)
		return
	}
	l.walkStatements(c.Cond, sc.asCondition())
	tests := l.tests(c.Cond...)
	l.walkStatements(c.Then, sc.under(guard{true, tests}))
	if c.Else != nil {
		l.walkIf(c.Else, sc.under(guard{false, tests}))
	}
}

func (l *linter) walkBinary(c *syntax.BinaryCmd, sc scope) {
	switch c.Op {
	case syntax.AndStmt:
		l.walkStatement(c.X, sc)
		if tests := l.tests(c.X); len(tests) > 0 {
			sc = sc.under(guard{true, tests})
		}
		l.walkStatement(c.Y, sc)
	case syntax.OrStmt:
		left := sc
		left.tolerated = sc.tolerated || l.catches(c.Y)
		l.walkStatement(c.X, left)
		l.walkStatement(c.Y, sc.under(guard{false, l.tests(c.X)}))
	default:
		l.walkPipe(c, sc)
	}
}

// walkPipe walks both sides of a pipe. Without pipefail, the status of the left
// side is lost.
func (l *linter) walkPipe(c *syntax.BinaryCmd, sc scope) {
	left, right := sc, sc
	left.writesPipe, left.stdout = true, ""
	left.tolerated = sc.tolerated || !l.pipefail
	right.readsPipe, right.varying = true, sc.varying || l.varies(c.X)
	dir := l.dir
	l.walkStatement(c.X, left)
	l.dir = dir
	l.checkPipe(c, sc)
	l.walkStatement(c.Y, right)
	l.dir = dir
}

// walkCall walks a simple command: its substitutions, its assignments, and itself.
func (l *linter) walkCall(c *syntax.CallExpr, sc scope) {
	l.walkSubstitutions(c, sc)
	if len(c.Args) == 0 {
		l.setVariables(c.Assigns)
		return
	}
	resolved := l.resolve(c)
	if slices.Contains(l.functions, resolved.Name) {
		return
	}
	for _, check := range checks {
		check(l, resolved, sc)
	}
	l.recordEffects(resolved, sc)
	l.walkScript(resolved, sc)
}

// walkSubstitutions walks the scripts that are substituted in a command.
func (l *linter) walkSubstitutions(n syntax.Node, sc scope) {
	inner := scope{guards: sc.guards, tolerated: sc.tolerated, writesPipe: true}
	syntax.Walk(n, func(n syntax.Node) bool {
		switch s := n.(type) {
		case *syntax.CmdSubst:
			l.walkSubshell(s.Stmts, inner)
			return false
		case *syntax.ProcSubst:
			inner.tolerated = true
			l.walkSubshell(s.Stmts, inner)
			return false
		}
		return true
	})
}

// maxValue is the length in bytes of the longest value of a variable that is known: a
// variable can double in length at each assignment.
const maxValue = 1024

// setVariables records the values of variables.
func (l *linter) setVariables(list []*syntax.Assign) {
	for _, a := range list {
		if a.Value == nil || a.Name == nil {
			continue
		}
		value := l.text(a.Value)
		if a.Append {
			value = l.variables[a.Name.Value] + value
		}
		if len(value) > maxValue {
			value = "$" + a.Name.Value // unknown
		}
		l.variables[a.Name.Value] = value
		if l.varies(a.Value) {
			l.varying = append(l.varying, a.Name.Value)
		}
	}
}

// maxDepth is how many scripts inside scripts are walked.
const maxDepth = 4

// walkScript walks a script that is an argument of a shell.
func (l *linter) walkScript(c command.Call, sc scope) {
	i, ok := c.Script()
	if !ok || i >= len(c.Words) || l.depth >= maxDepth {
		return
	}
	inner := l.scriptIn(c.Words[i])
	file, err := l.budget.parse(inner.script)
	if err != nil {
		return // it can be a script for another shell
	}
	dir, pipefail, errexitOff := l.dir, l.pipefail, l.errexitOff
	l.depth++
	if c.IsShell() {
		l.pipefail = slices.Contains(c.Args[:i], "pipefail")
	}
	inner.walkStatements(file.Stmts, sc)
	l.depth--
	l.dir, l.pipefail, l.errexitOff = dir, pipefail, errexitOff
}

// scriptIn returns the linter of a script that is a word.
func (l *linter) scriptIn(w *syntax.Word) *linter {
	inner := &linter{l.state, l.text(w), l.offset(w.Pos()), false}
	if len(w.Parts) != 1 {
		return inner
	}
	if q, ok := w.Parts[0].(*syntax.SglQuoted); ok && !q.Dollar && l.exact {
		inner.start, inner.exact = l.offset(q.Left)+1, true
	}
	return inner
}

// recordEffects records the effects of a command for the commands after it.
func (l *linter) recordEffects(c command.Call, sc scope) {
	o := command.ParseOptions(c.Args, "")
	switch c.Name {
	case "cd", "pushd":
		l.changeDir(o.Operands)
	case "set":
		l.setOptions(c.Args)
	case "trap":
		l.recordTrap(c)
	case "rm", "unlink", "rmdir":
		l.removed = append(l.removed, l.all(o.Operands)...)
		l.fresh = append(l.fresh, l.all(o.Operands)...)
	case "mv":
		if n := len(o.Operands); n > 1 {
			l.removed = append(l.removed, l.all(o.Operands[:n-1])...)
		}
	case "tar", "unzip", "bsdtar", "7z", "cpio", "git", "wget", "aria2c", "make", "go", "cargo", "npm", "gunzip", "unxz", "unzstd", "dnf", "rpm2cpio", "ar":
		l.unpacks = true
	}
	l.mentioned = append(l.mentioned, l.all(c.Args)...)
	if sc.stdout != "" {
		l.mentioned = append(l.mentioned, sc.stdout)
	}
	if len(sc.guards) == 0 {
		l.fresh = append(l.fresh, l.writes(c)...)
	}
}

// writes returns the files that a command overwrites.
func (l *linter) writes(c command.Call) []string {
	o := command.ParseOptions(c.Args, "-m --mode -o --output -O --output-document -g --group --owner -t --target-directory")
	switch c.Name {
	case "cp", "install", "mv":
		if n := len(o.Operands); n > 1 {
			return l.all(o.Operands[n-1:])
		}
	case "tee":
		if !o.Has("-a", "--append") {
			return l.all(o.Operands)
		}
	case "truncate":
		return l.all(o.Operands)
	case "curl":
		return l.all(o.Values("-o", "--output"))
	case "wget":
		return l.all(o.Values("-O", "--output-document"))
	}
	return nil
}

func (l *linter) changeDir(operands []string) {
	switch {
	case len(operands) == 0:
		l.dir = "$HOME"
	case operands[0] == "-":
		l.dir = ""
	default:
		l.dir = l.absolute(operands[0])
	}
}

// setOptions records set -e, set +e and set -o pipefail.
func (l *linter) setOptions(args []string) {
	for i, arg := range args {
		if len(arg) < 2 || arg[0] != '-' && arg[0] != '+' {
			continue
		}
		on := arg[0] == '-'
		for _, letter := range arg[1:] {
			switch {
			case letter == 'e':
				l.errexitOff = !on
			case letter == 'o' && i+1 < len(args) && args[i+1] == "pipefail":
				l.pipefail = on
			case letter == 'o' && i+1 < len(args) && args[i+1] == "errexit":
				l.errexitOff = !on
			}
		}
	}
}

// recordTrap records the files that a hook removes when it ends.
func (l *linter) recordTrap(c command.Call) {
	if len(c.Words) < 2 {
		return
	}
	inner := l.scriptIn(c.Words[0])
	file, err := l.budget.parse(inner.script)
	if err != nil {
		return
	}
	inner.calls(file, func(c command.Call) {
		if c.Is("rm", "rmdir", "unlink") {
			for _, w := range c.Words {
				l.removed = append(l.removed, l.absolute(inner.text(w)))
			}
		}
	})
}
