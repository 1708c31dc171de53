package lint

import (
	"slices"
	"strings"

	"bkt/internal/hook/command"

	"mvdan.cc/sh/v3/syntax"
)

// A scope describes the context of a command.
type scope struct {
	node       syntax.Node // the text that a finding shows
	guards     []*guard    // the conditions under which it runs
	tolerated  bool        // its failure is harmless
	last       bool        // its status is that of the hook
	elevated   bool        // it runs as root
	readsPipe  bool        // another command writes its input
	hasInput   bool        // its input is a pipe or a file
	writesPipe bool        // another command reads its output
	looksAt    bool        // that command only looks for something
	varying    bool        // its input is different at every start
	fromNet    bool        // its input is a download
	input      content     // its input, as far as it is known
	stdout     string      // the file that its output goes to
}

// walkStatements walks statements in order.
func (l *linter) walkStatements(list []*syntax.Stmt, sc scope) {
	last := sc.last
	for i, s := range list {
		sc.last = last && i == len(list)-1
		l.walkStatement(s, sc)
		if c, ok := l.ending(s); ok {
			sc = sc.under(l.guard(c))
		}
	}
}

func (l *linter) walkStatement(s *syntax.Stmt, sc scope) {
	sc.node = s
	sc.tolerated = sc.tolerated || s.Negated || s.Background
	written := l.walkRedirects(s, &sc)
	l.walkCommand(s.Cmd, sc)
	for _, w := range written {
		l.make(creates, w, sc)
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
		switch r.Op {
		case syntax.RdrIn, syntax.WordHdoc, syntax.Hdoc, syntax.DashHdoc:
			sc.hasInput, sc.input = true, l.inputOf(r)
			sc.varying = sc.varying || l.varies(r)
		}
	}
	for _, r := range s.Redirs {
		if r.Word != nil {
			written = append(written, l.walkOutput(r, s, sc)...)
		}
	}
	return written
}

// walkOutput checks where a redirection writes to, and returns the file that it overwrites.
func (l *linter) walkOutput(r *syntax.Redirect, s *syntax.Stmt, sc *scope) (written []string) {
	target := l.absolute(l.text(r.Word))
	switch r.Op {
	case syntax.AppOut, syntax.AppAll:
		if !isSilent(s.Cmd) {
			l.checkAppend(target, l.contentOf(s.Cmd, *sc), *sc)
		}
	case syntax.RdrOut, syntax.RdrClob, syntax.RdrAll, syntax.RdrAllClob:
		if r.N != nil && r.N.Value != "1" {
			return nil
		}
		sc.stdout, sc.writesPipe = target, false
		l.recordCopy(target, s.Cmd)
		if sc.varying || l.varies(s) {
			l.checkVarying(target, *sc)
		}
		l.checkNeedsRootAt(target, *sc)
		return []string{target}
	}
	return nil
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
		l.walkStatements(c.Do, sc.under(l.guard(negated(l.conditionOf(c.Cond), c.Until))))
	case *syntax.ForClause:
		l.walkSubstitutions(c.Loop, sc)
		l.enterLoop(c.Loop)
		l.walkStatements(c.Do, sc)
	case *syntax.CaseClause:
		l.walkSubstitutions(c.Word, sc)
		for _, item := range c.Items {
			l.walkStatements(item.Stmts, sc.under(l.guard(l.valueOf(c.Word))))
		}
	case *syntax.Block:
		l.walkStatements(c.Stmts, sc)
	case *syntax.Subshell:
		sc.last = sc.last || !sc.tolerated && !l.errexitOff // the shell exits if it fails
		l.walkSubshell(c.Stmts, sc)
	case *syntax.FuncDecl:
		if c.Name != nil {
			l.functions = append(l.functions, c.Name.Value)
		}
		sc.last = false
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
	sc.tolerated, sc.last = true, false
	return sc
}

// enterLoop records the variable of a loop. Of versions, the first stands for all.
func (l *linter) enterLoop(loop syntax.Loop) {
	words, ok := loop.(*syntax.WordIter)
	if !ok || words.Name == nil {
		return
	}
	name := words.Name.Value
	delete(l.variables, name)
	l.loops = append(l.loops, name)
	if len(words.Items) > 0 {
		if first, known := l.literal(words.Items[0]); known && isVersion(first) {
			l.variables[name] = first
		}
	}
}

func (l *linter) walkIf(c *syntax.IfClause, sc scope) {
	if len(c.Cond) == 0 { // else
		l.walkStatements(c.Then, sc)
		return
	}
	l.walkStatements(c.Cond, sc.asCondition())
	met := l.conditionOf(c.Cond)
	l.walkStatements(c.Then, sc.under(l.guard(met)))
	if c.Else != nil {
		l.walkIf(c.Else, sc.under(l.guard(negated(met, true))))
	}
}

func (l *linter) walkBinary(c *syntax.BinaryCmd, sc scope) {
	left := sc
	left.last = false
	switch c.Op {
	case syntax.AndStmt:
		l.walkStatement(c.X, left)
		met := l.condition(c.X)
		if met.isAction() {
			l.walkStatement(c.Y, sc)
			return
		}
		g := l.guard(met.succeeds())
		l.walkStatement(c.Y, sc.under(g))
		l.checkStatus(g, sc)
	case syntax.OrStmt:
		left.tolerated = sc.tolerated || l.catches(c.Y)
		l.walkStatement(c.X, left)
		l.walkStatement(c.Y, sc.under(l.guard(negated(l.condition(c.X), true))))
	default:
		l.walkPipe(c, sc)
	}
}

// checkStatus reports a hook that ends with an error because the condition before && is not
// met once the command after it has run.
func (l *linter) checkStatus(g *guard, sc scope) {
	if sc.last && !sc.tolerated {
		l.reportEffects("status", sc)
		l.candidates[len(l.candidates)-1].unless = g
	}
}

// walkPipe walks both sides of a pipe. Without pipefail, the status of the left
// side is lost.
func (l *linter) walkPipe(c *syntax.BinaryCmd, sc scope) {
	left, right := sc, sc
	left.writesPipe, left.stdout, left.last = true, "", false
	left.tolerated = sc.tolerated || !l.pipefail
	left.looksAt = !l.condition(c.Y).isAction()
	right.readsPipe, right.hasInput, right.varying = true, true, sc.varying || l.varies(c.X)
	right.fromNet = sc.fromNet || l.downloadsIn(c.X)
	right.input = l.contentOfAll([]*syntax.Stmt{c.X}, sc)
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
		l.record(effect{kind: anything}, sc)
		return
	}
	sc.elevated = sc.elevated || resolved.Elevated
	l.checkAssigned(c, resolved, sc)
	for _, check := range checks {
		if check.names == "" || command.In(check.names, resolved.Name) {
			check.run(l, resolved, sc)
		}
	}
	l.recordEffects(resolved, sc)
	l.walkScript(resolved, sc)
}

// walkSubstitutions walks the scripts that are substituted in a command.
func (l *linter) walkSubstitutions(n syntax.Node, sc scope) {
	inner := scope{guards: sc.guards, tolerated: sc.tolerated, elevated: sc.elevated, writesPipe: true}
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
		name := a.Name.Value
		value := l.text(a.Value)
		if a.Append {
			value = l.variables[name] + value
		}
		if len(value) > maxValue {
			value = "$" + name // unknown
		}
		l.variables[name] = value
		if l.varies(a.Value) {
			l.varying = append(l.varying, name)
		}
		if l.substitutesDownload(a.Value) {
			l.fetched = append(l.fetched, name)
		}
		if strings.Contains(name, "VERSION") && hasDotted(value) && l.pinned == "" {
			l.pinned = name
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
	sc.last = sc.last || !sc.tolerated && !l.errexitOff // the shell exits if it fails
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
