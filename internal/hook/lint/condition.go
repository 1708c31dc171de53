package lint

import (
	"slices"
	"strings"

	"bkt/internal/hook/command"

	"mvdan.cc/sh/v3/syntax"
)

// A truth is what a condition is when a hook runs again, after the commands that it
// guards have run once.
type truth uint8

const (
	same    truth = iota // what it was: the commands have no part in it
	yes                  // met, because of the commands
	no                   // not met, because of the commands
	unknown              // the text does not show it
)

func (t truth) not() truth {
	switch t {
	case yes:
		return no
	case no:
		return yes
	}
	return t
}

// A condition is a question about the system, or several.
type condition struct {
	op    operator
	parts []condition

	// A question, if there is no operator.
	kind  question
	words []string // what it is about: paths, names, or the arguments of a command
	match pattern  // the text that it looks for
}

type operator uint8

const (
	none operator = iota
	and
	or
	not
)

// A question is a kind of questions.
type question uint8

const (
	action   question = iota // no question: a command that does something, and may fail
	constant                 // the answer is the same at every start: the user, the system, the environment
	always                   // true
	exists                   // of files: words are paths
	contains                 // of files, about their text: words are paths
	lookup                   // of a program: words are names
	presence                 // of something that a command lists or finds
	value                    // of a text that commands print
	open                     // nothing is known about it
)

// after returns what c is after the commands of w.
func (c condition) after(w world) truth {
	switch c.op {
	case and:
		return all(c.parts, w, yes, no)
	case or:
		return all(c.parts, w, no, yes)
	case not:
		return c.parts[0].after(w).not()
	}
	switch c.kind {
	case constant:
		return same
	case always:
		return yes
	case exists:
		return w.exists(c.words)
	case contains:
		return w.contains(c.words, c.match)
	case lookup:
		return w.finds(c.words)
	case presence:
		return w.lists(c.words, c.match)
	case value:
		return w.prints(c.words)
	}
	return unknown
}

// all returns the truth of several conditions: decisive if one of them is, neutral if
// all are.
func all(parts []condition, w world, neutral, decisive truth) truth {
	seen := map[truth]bool{}
	for _, p := range parts {
		seen[p.after(w)] = true
	}
	switch {
	case seen[decisive]:
		return decisive
	case seen[unknown], seen[same] && seen[no]: // of a disjunction: the other part can be the one that was met
		return unknown
	case seen[same]:
		return same
	}
	return neutral
}

// isAction reports whether a condition asks nothing.
func (c condition) isAction() bool {
	if c.op == none {
		return c.kind == action
	}
	return !slices.ContainsFunc(c.parts, func(p condition) bool { return !p.isAction() })
}

// succeeds returns the condition that commands up to c have succeeded: actions that
// succeed once succeed at every start.
func (c condition) succeeds() condition {
	switch {
	case c.op == none && c.kind == action:
		c.kind = constant
	case c.op == and:
		parts := slices.Clone(c.parts)
		for i := range parts {
			parts[i] = parts[i].succeeds()
		}
		c.parts = parts
	}
	return c
}

// negates reports whether a condition is met while something is missing.
func (c condition) negates() bool {
	switch c.op {
	case not:
		return !c.parts[0].isAction()
	case and:
		return slices.ContainsFunc(c.parts, condition.negates)
	}
	return false
}

func negated(c condition, negate bool) condition {
	if !negate {
		return c
	}
	return condition{op: not, parts: []condition{c}}
}

// conditionOf returns the condition that statements are: that of the last one.
func (l *linter) conditionOf(list []*syntax.Stmt) condition {
	if len(list) == 0 {
		return condition{kind: open}
	}
	return l.condition(list[len(list)-1])
}

func (l *linter) condition(s *syntax.Stmt) condition {
	return negated(l.conditionIn(s.Cmd), s.Negated)
}

func (l *linter) conditionIn(c syntax.Command) condition {
	switch c := c.(type) {
	case *syntax.CallExpr:
		return l.conditionOfCall(c)
	case *syntax.TestClause:
		return l.testExpression(c.X)
	case *syntax.ArithmCmd:
		return l.valueOf(c.X)
	case *syntax.Block:
		return l.conditionOf(c.Stmts)
	case *syntax.Subshell:
		return l.conditionOf(c.Stmts)
	case *syntax.BinaryCmd:
		switch c.Op {
		case syntax.AndStmt:
			return condition{op: and, parts: []condition{l.condition(c.X).succeeds(), l.condition(c.Y).succeeds()}}
		case syntax.OrStmt:
			return condition{op: or, parts: []condition{l.condition(c.X), l.condition(c.Y)}}
		}
		return l.conditionOfPipe(c)
	}
	return condition{kind: open}
}

// conditionOfPipe returns the condition that the last command of a pipe is. It is about
// what all of them are about.
func (l *linter) conditionOfPipe(c *syntax.BinaryCmd) condition {
	found := l.condition(c.Y)
	inner := &found
	if found.op == not {
		inner = &found.parts[0]
	}
	if inner.op != none || inner.kind == action {
		return found
	}
	l.calls(c.X, func(c command.Call) {
		inner.words = append(inner.words, c.Name)
		inner.words = append(inner.words, l.all(c.Args)...)
	})
	return found
}

func (l *linter) conditionOfCall(c *syntax.CallExpr) condition {
	if len(c.Args) > 0 {
		return l.question(l.resolve(c))
	}
	for _, a := range c.Assigns {
		if a.Value != nil && len(a.Value.Parts) == 1 {
			if s, ok := a.Value.Parts[0].(*syntax.CmdSubst); ok {
				return l.conditionOf(s.Stmts)
			}
		}
	}
	return condition{kind: action}
}

// question returns the condition that a command is.
func (l *linter) question(c command.Call) condition {
	switch {
	case c.Is("true", ":"):
		return condition{kind: always}
	case c.Is("false"):
		return negated(condition{kind: always}, true)
	case c.Is("read"), isConstant(c):
		return condition{kind: constant}
	case c.IsLookup():
		return condition{kind: lookup, words: operandsOf(c)}
	case c.Is("test", "["):
		return l.testCall(c)
	case c.Is("grep", "egrep", "fgrep"):
		return l.grep(c)
	case c.Is("ls", "stat"):
		return condition{kind: exists, words: l.all(operandsOf(c))}
	case c.Is("git") && hasAny(c.Args, "diff diff-index status"):
		return condition{kind: open} // about all files
	case c.Is(questions...), isQuery(c):
		return condition{kind: presence, words: l.all(c.Args)}
	}
	return condition{kind: action}
}

// questions are commands that only examine the system.
var questions = []string{
	"zgrep", "rg", "id", "getent", "pgrep", "cmp", "diff", "readlink", "mountpoint", "findmnt", "find", "awk", "jq", "dpkg-query", "lsmod", "locale",
}

// isQuery reports whether a command is a subcommand that only examines the system.
func isQuery(c command.Call) bool {
	if len(c.Args) == 0 {
		return false
	}
	switch c.Name {
	case "rpm", "dpkg", "crontab":
		return hasAny(c.Args[:1], "-q -qa -s -l -V --query --status --list --verify")
	case "pacman":
		return strings.HasPrefix(c.Args[0], "-Q")
	case "systemctl":
		return hasAny(c.Args, "is-active is-enabled is-failed cat list-units list-unit-files status show")
	case "git":
		return hasAny(c.Args, "--get --get-all --get-regexp rev-parse get-url show-ref status ls-remote diff diff-index")
	case "flatpak", "podman", "docker", "pip", "pip3", "pipx", "cargo", "rustup", "proto", "npm", "dnf", "apt", "apk", "tmux", "uv", "conda", "snap", "brew", "gem", "code":
		return hasAny(c.Args, "info list ls show exists inspect remotes which bin --list has-session --installed --list-extensions list-extensions")
	}
	return false
}

// isConstant reports whether a command prints the same at every start.
func isConstant(c command.Call) bool {
	switch c.Name {
	case "uname", "hostname", "whoami", "arch", "nproc", "getconf", "lsb_release", "printenv", "tty", "groups", "logname":
		return true
	case "id":
		return len(operandsOf(c)) == 0
	case "rpm":
		return hasAny(c.Args, "-E --eval")
	case "dpkg":
		return hasAny(c.Args, "--print-architecture")
	}
	return false
}

// testCall returns the condition that a call of test is.
func (l *linter) testCall(c command.Call) condition {
	args, words := c.Args, c.Words
	if n := len(args); c.Name == "[" && n > 0 && args[n-1] == "]" {
		args, words = args[:n-1], words[:n-1]
	}
	return l.testWords(args, words)
}

func (l *linter) testWords(args []string, words []*syntax.Word) condition {
	for _, joint := range []struct {
		text string
		op   operator
	}{{"-o", or}, {"-a", and}} {
		if i := slices.Index(args, joint.text); i > 0 && i < len(args)-1 && len(args) > 3 {
			return condition{op: joint.op, parts: []condition{l.testWords(args[:i], words[:i]), l.testWords(args[i+1:], words[i+1:])}}
		}
	}
	switch {
	case len(args) == 0:
		return condition{kind: open}
	case args[0] == "!":
		return negated(l.testWords(args[1:], words[1:]), true)
	case len(args) == 2 && testsExistence(args[0]):
		return condition{kind: exists, words: []string{l.absolute(args[1])}}
	case len(args) == 3 && isAgeTest(args[1]):
		return condition{kind: open}
	}
	var nodes []syntax.Node
	for _, w := range words {
		nodes = append(nodes, w)
	}
	return negated(l.valueOf(nodes...), args[0] == "-z" || len(args) == 3 && args[1] == "!=")
}

func (l *linter) testExpression(x syntax.TestExpr) condition {
	switch x := x.(type) {
	case *syntax.ParenTest:
		return l.testExpression(x.X)
	case *syntax.UnaryTest:
		w, ok := x.X.(*syntax.Word)
		switch {
		case x.Op == syntax.TsNot:
			return negated(l.testExpression(x.X), true)
		case ok && testsExistence(x.Op.String()):
			return condition{kind: exists, words: []string{l.absolute(l.text(w))}}
		case x.Op == syntax.TsEmpStr:
			return negated(l.valueOf(x.X), true)
		}
	case *syntax.BinaryTest:
		switch x.Op {
		case syntax.AndTest:
			return condition{op: and, parts: []condition{l.testExpression(x.X), l.testExpression(x.Y)}}
		case syntax.OrTest:
			return condition{op: or, parts: []condition{l.testExpression(x.X), l.testExpression(x.Y)}}
		}
		if isAgeTest(x.Op.String()) {
			return condition{kind: open}
		}
		return negated(l.valueOf(x), x.Op == syntax.TsNoMatch)
	}
	return l.valueOf(x)
}

// testsExistence reports whether an operator of test is about the existence of a file.
func testsExistence(op string) bool {
	switch op {
	case "-e", "-a", "-f", "-d", "-r", "-w", "-x", "-s", "-h", "-L", "-p", "-S", "-b", "-c":
		return true
	}
	return false
}

// isAgeTest reports whether an operator of test compares the times of files.
func isAgeTest(op string) bool { return op == "-nt" || op == "-ot" || op == "-ef" }

// valueOf returns a condition about the text that nodes expand to.
func (l *linter) valueOf(nodes ...syntax.Node) condition {
	found := condition{kind: constant}
	for _, n := range nodes {
		syntax.Walk(n, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.ParamExp:
				l.addVariable(&found, n)
			case *syntax.CallExpr:
				l.addCall(&found, n)
			}
			return true
		})
	}
	return found
}

// addVariable adds what a variable is about to a condition. One that the hook does not
// set is of the environment, which is the same at every start.
func (l *linter) addVariable(to *condition, p *syntax.ParamExp) {
	if p.Param == nil {
		return
	}
	name := p.Param.Value
	assigned, ok := l.variables[name]
	switch {
	case ok && strings.ContainsAny(assigned, "$`"):
		to.kind, to.words = max(to.kind, value), append(to.words, assigned)
	case slices.Contains(l.loops, name), strings.Trim(name, "0123456789@*#?") == "":
		to.kind = open
	}
}

func (l *linter) addCall(to *condition, c *syntax.CallExpr) {
	if len(c.Args) == 0 {
		return
	}
	if r := l.resolve(c); !isConstant(r) && !r.Is("echo", "printf", "cut", "tr", "head", "tail", "sed", "awk") || slices.ContainsFunc(r.Args, isPath) {
		to.kind = max(to.kind, value)
		to.words = append(append(to.words, r.Name), l.all(r.Args)...)
	}
}

// isPath reports whether a word is a path of a file that hooks can change.
func isPath(word string) bool {
	return strings.HasPrefix(word, "/") && word != "/etc/os-release" || strings.HasPrefix(word, "$HOME/")
}
