// Package call lists the commands that a shell script runs, with their arguments, the
// files that they write and the text that they get, as far as the script itself tells.
//
// It runs nothing. Variables have the values that the script and the caller give them;
// what else a word expands to is [Unknown].
package call

import (
	"maps"
	"path"
	"strings"

	"bkt/internal/hook/command"
	"bkt/internal/script"

	"mvdan.cc/sh/v3/syntax"
)

// Unknown stands in a word for the part whose value only a run of the script tells.
const Unknown = "\x00"

// The limits of one script with its loops and the scripts inside it. What is beyond them is
// not listed, or unknown.
const (
	maxCalls = 5000    // commands
	maxSteps = 50_000  // statements
	maxText  = 4 << 20 // bytes of all words together
)

// maxDepth is how many scripts inside scripts are read.
const maxDepth = 4

// A Call is a simple command.
type Call struct {
	Words       []string // the program and its arguments
	Dir         string   // the folder it runs in, absolute; Unknown if only a run tells
	Outputs     []Output // the files that it writes by redirection
	Input       string   // from a heredoc, a here-string or a command that prints it
	HasInput    bool     // it gets an input, which is Input if that is not empty
	Conditional bool     // it runs only under a condition that the script tests
}

// An Output is a file that a command writes by redirection.
type Output struct {
	Path   string
	Append bool
}

// Command returns the command without those that only run it, such as sudo and env.
func (c Call) Command() command.Call {
	return command.New(make([]*syntax.Word, len(c.Words)), c.Words, syntax.Pos{}).Unwrap()
}

// Path returns the absolute path of a file that the command names.
func (c Call) Path(name string) string {
	if path.IsAbs(name) || strings.HasPrefix(name, Unknown) {
		return name
	}
	return path.Join(c.Dir, name)
}

// Text returns what the command prints, if that is known: for echo, printf and cat.
func (c Call) Text() (string, bool) {
	cmd := c.Command()
	text := strings.Join(cmd.Args, " ")
	switch {
	case cmd.Name == "cat" && len(cmd.Args) == 0:
		return c.Input, c.Input != "" && !strings.Contains(c.Input, Unknown)
	case strings.Contains(text, Unknown) || len(cmd.Args) == 0:
		return "", false
	case cmd.Name == "printf" && len(cmd.Args) == 1 && !strings.Contains(strings.ReplaceAll(text, "%%", ""), "%"):
		return controls.Replace(strings.ReplaceAll(text, "%%", "%")), true
	case cmd.Name == "echo" && cmd.Args[0] == "-e":
		return controls.Replace(strings.TrimPrefix(text, "-e ")) + "\n", true
	case cmd.Name == "echo" && !strings.HasPrefix(text, "-"):
		return text + "\n", true
	}
	return "", false
}

// controls replaces the escapes of echo -e and printf that texts of several lines have.
var controls = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t", `\"`, `"`)

// List returns the commands of a script for sh or bash in their order, those of functions
// where they are defined. It begins in the folder dir, with the variables vars, which it
// does not change. The error is for a script that cannot be parsed or is too large.
func List(text, dir string, vars map[string]string) ([]Call, error) {
	l := newLister(dir, vars)
	err := l.script(text, scope{}, 0)
	return l.found, err
}

// Exec returns the command of an array of words, which no shell expands.
func Exec(words []string, dir string, vars map[string]string) ([]Call, error) {
	l := newLister(dir, vars)
	err := l.emit(Call{Words: words, Dir: dir}, scope{}, 0)
	return l.found, err
}

// A lister collects the commands of a script.
type lister struct {
	dir   string
	vars  map[string]string
	found []Call
	steps int // statements so far
	text  int // bytes of words so far
}

func newLister(dir string, vars map[string]string) *lister {
	own := map[string]string{}
	maps.Copy(own, vars)
	return &lister{dir: dir, vars: own}
}

// A scope is what a statement gets from those around it.
type scope struct {
	conditional bool
	input       string
	hasInput    bool
}

// under returns the scope of statements under a condition.
func (s scope) under() scope { s.conditional = true; return s }

func (l *lister) script(text string, sc scope, depth int) error {
	file, err := script.Parse(text)
	if err != nil {
		return err
	}
	l.statements(file.Stmts, sc, depth)
	return nil
}

func (l *lister) statements(all []*syntax.Stmt, sc scope, depth int) {
	for _, s := range all {
		l.statement(s, sc, depth)
	}
}

// statement lists the commands of a statement. The errors of scripts inside the script
// are the shell's to report.
func (l *lister) statement(s *syntax.Stmt, sc scope, depth int) {
	if l.steps++; s == nil || len(l.found) >= maxCalls || l.steps > maxSteps {
		return
	}
	outputs := l.redirections(s.Redirs, &sc)
	if call, ok := s.Cmd.(*syntax.CallExpr); ok {
		l.simple(call, outputs, sc, depth)
		return
	}
	if s.Cmd != nil {
		l.compound(s.Cmd, sc, depth)
	}
	if len(outputs) > 0 {
		l.found = append(l.found, Call{Words: []string{"{"}, Dir: l.dir, Outputs: outputs, HasInput: true, Conditional: sc.conditional})
	}
}

func (l *lister) compound(c syntax.Command, sc scope, depth int) {
	switch c := c.(type) {
	case *syntax.BinaryCmd:
		l.binary(c, sc, depth)
	case *syntax.Block:
		l.statements(c.Stmts, sc, depth)
	case *syntax.Subshell:
		dir := l.dir
		l.statements(c.Stmts, sc, depth)
		l.dir = dir
	case *syntax.IfClause:
		for ; c != nil; c = c.Else {
			l.statements(c.Cond, sc, depth)
			sc = sc.under()
			l.statements(c.Then, sc, depth)
		}
	case *syntax.WhileClause:
		l.statements(c.Cond, sc, depth)
		l.statements(c.Do, sc.under(), depth)
	case *syntax.ForClause:
		l.loop(c, sc, depth)
	case *syntax.CaseClause:
		for _, item := range c.Items {
			l.statements(item.Stmts, sc.under(), depth)
		}
	case *syntax.FuncDecl:
		l.statement(c.Body, sc.under(), depth)
	case *syntax.TimeClause:
		l.statement(c.Stmt, sc, depth)
	case *syntax.DeclClause:
		l.assign(c.Args, sc)
	}
}

// binary lists both sides of an operator. The right side of && counts as unconditional,
// as in chains of a RUN, unless the left side is a test.
func (l *lister) binary(c *syntax.BinaryCmd, sc scope, depth int) {
	n := len(l.found)
	l.statement(c.X, sc, depth)
	switch c.Op {
	case syntax.OrStmt:
		sc = sc.under()
	case syntax.AndStmt:
		if isTest(c.X, l.found[n:]) {
			sc = sc.under()
		}
	default: // a pipe
		sc.input, sc.hasInput = "", true
		if len(l.found) == n+1 {
			sc.input, _ = l.found[n].Text()
		}
	}
	l.statement(c.Y, sc, depth)
}

// isTest reports whether a statement, which has these calls, asks for something.
func isTest(s *syntax.Stmt, calls []Call) bool {
	if _, ok := s.Cmd.(*syntax.TestClause); ok || s.Negated {
		return true
	}
	if len(calls) != 1 {
		return false
	}
	switch cmd := calls[0].Command(); cmd.Name {
	case "test", "[", "grep", "which", "type":
		return true
	default:
		return cmd.IsLookup()
	}
}

// loop lists the body of a loop for each of its words, if they are known.
func (l *lister) loop(c *syntax.ForClause, sc scope, depth int) {
	words, ok := c.Loop.(*syntax.WordIter)
	if !ok {
		l.statements(c.Do, sc.under(), depth)
		return
	}
	items := l.words(words.Items)
	if len(items) == 0 {
		items = []string{Unknown}
	}
	for _, item := range items {
		l.vars[words.Name.Value] = item
		l.statements(c.Do, sc, depth)
	}
}

// assign records the values of variables. One that is assigned under a condition is
// unknown from then on.
func (l *lister) assign(all []*syntax.Assign, sc scope) {
	for _, a := range all {
		switch {
		case a.Name == nil || a.Naked:
		case sc.conditional, a.Append, a.Array != nil, a.Index != nil:
			l.vars[a.Name.Value] = Unknown
		case a.Value == nil:
			l.vars[a.Name.Value] = ""
		default:
			l.vars[a.Name.Value] = l.word(a.Value)
		}
	}
}

// simple lists a simple command.
func (l *lister) simple(c *syntax.CallExpr, outputs []Output, sc scope, depth int) {
	if len(c.Args) == 0 {
		l.assign(c.Assigns, sc)
	}
	words := l.words(c.Args)
	if len(words) == 0 && len(outputs) == 0 {
		return
	}
	if len(words) == 0 {
		words = []string{":"} // only empties files
	}
	call := Call{Words: words, Dir: l.dir, Outputs: outputs, Input: sc.input, HasInput: sc.hasInput, Conditional: sc.conditional}
	_ = l.emit(call, sc, depth) // the shell reports a broken script
}

// emit adds a call, and the calls of the script that it runs.
func (l *lister) emit(c Call, sc scope, depth int) error {
	l.found = append(l.found, c)
	cmd := c.Command()
	if (cmd.Name == "cd" || cmd.Name == "pushd") && len(cmd.Args) > 0 {
		if l.dir = c.Path(cmd.Args[len(cmd.Args)-1]); strings.Contains(l.dir, Unknown) {
			l.dir = Unknown
		}
	}
	if depth >= maxDepth {
		return nil
	}
	inner := scope{conditional: sc.conditional}
	if n, ok := cmd.Script(); ok {
		return l.script(asScript(cmd.Args[n]), inner, depth+1)
	}
	if cmd.IsShell() && cmd.RunsInput() && c.Input != "" {
		return l.script(asScript(c.Input), inner, depth+1)
	}
	return nil
}

// asScript returns the text of a script in which what is unknown is a variable.
func asScript(text string) string { return strings.ReplaceAll(text, Unknown, "${bkt_unknown}") }
