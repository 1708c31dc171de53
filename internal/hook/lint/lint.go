// Package lint looks for what the init hooks of boxes must not do, without
// running anything; what it cannot know, it takes to be right.
//
// A hook is idempotent, and leaves a box as one that is made today would be: the
// rules are cases of that. They are held against the commands of a hook in the
// order in which it runs, with what is known by then.
package lint

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"bkt/internal/hook"
	"bkt/internal/manifest"

	"mvdan.cc/sh/v3/syntax"
)

// A Finding is a command in a hook that breaks a rule.
type Finding struct {
	Rule    string // its name
	Verdict hook.Verdict
	Reason  string
	Use     string // instead
	Offset  int    // where the command stands in the hook, in bytes
	Line    int    // the same, from 1
	Col     int    // from 1, in characters
	Source  string // the command as it is written
}

// Lint returns what is the matter with a hook, in the order of its text. A
// hook that cannot be parsed has one finding, of the rule "syntax".
func Lint(run string) []Finding { return lint(run).findings(nil) }

// Check is Lint for a hook with all that the manifest says of it: a file that
// it declares volatile may differ.
func Check(h manifest.Hook) []Finding { return lint(h.Run).findings(h.Volatile) }

func lint(run string) *memory {
	m := &memory{hook: run, variables: map[string]string{}}
	l := linter{m, run, 0, true}
	file, err := parse(run)
	if err != nil {
		m.broken = append(m.broken, broken{rule: ruleNamed("syntax"), reason: parseReason(err), offset: parseOffset(err), source: run})
		return m
	}
	l.statements(file.Stmts, scope{})
	return m
}

// parse reads a script. bash understands all that other shells of boxes do, but
// for what no one writes.
func parse(script string) (*syntax.File, error) {
	return syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(script), "")
}

func parseReason(err error) string {
	if e, ok := errors.AsType[syntax.ParseError](err); ok {
		return "cannot be parsed: " + e.Text
	}
	return "cannot be parsed: " + err.Error()
}

func parseOffset(err error) int {
	if e, ok := errors.AsType[syntax.ParseError](err); ok {
		return int(e.Pos.Offset())
	}
	if e, ok := errors.AsType[syntax.LangError](err); ok {
		return int(e.Pos.Offset())
	}
	return 0
}

// A memory is what is known at a point of the hook, in the order in which it
// runs, and what has been found.
type memory struct {
	hook      string // its text
	variables map[string]string
	varying   []string // variables that are something else at every start
	fresh     []string // paths that the hook itself has made anew, or removed
	removed   []string // paths that the hook removes or moves away
	mentioned []string // words of the commands so far
	functions []string // that the hook defines
	dir       string   // the working folder, "" if it is not known
	unpacks   bool     // files have come from where no name tells
	pipefail  bool
	lenient   bool // set +e
	depth     int  // of scripts in scripts
	broken    []broken
}

// broken is a finding that may yet turn out to be none.
type broken struct {
	rule   Rule
	reason string
	offset int
	source string
	paths  []string // that it is about
}

// findings returns what is left when all of the hook has been seen.
func (m *memory) findings(volatile []string) []Finding {
	var all []Finding
	for _, b := range m.broken {
		removed := b.rule.nature&leaves != 0 && m.removesAll(b.paths)
		differs := b.rule.nature&fails == 0 && declared(volatile, b.paths)
		if removed || differs {
			continue
		}
		f := m.finding(b)
		if !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	slices.SortStableFunc(all, func(a, b Finding) int { return cmp.Compare(a.Offset, b.Offset) })
	return all
}

func (m *memory) finding(b broken) Finding {
	offset := min(max(b.offset, 0), len(m.hook))
	before := m.hook[:offset]
	line := before[strings.LastIndex(before, "\n")+1:]
	return Finding{
		Rule: b.rule.Name, Verdict: b.rule.Verdict, Reason: cmp.Or(b.reason, b.rule.Reason), Use: b.rule.Use,
		Offset: offset, Line: 1 + strings.Count(before, "\n"), Col: 1 + utf8.RuneCountInString(line),
		Source: b.source,
	}
}

// removesAll reports whether the hook removes all the paths. The variables in
// what it removes may have been set after the trap that does.
func (m *memory) removesAll(paths []string) bool {
	for _, p := range paths {
		if !slices.ContainsFunc(m.removed, func(r string) bool { return within(p, m.expand(r)) }) {
			return false
		}
	}
	return len(paths) > 0
}

// expand puts the value of a variable in the place of its name at the start of
// a path.
func (m *memory) expand(p string) string {
	if !strings.HasPrefix(p, "$") {
		return p
	}
	name, rest, _ := strings.Cut(p[1:], "/")
	if value, ok := m.variables[name]; ok {
		return strings.TrimSuffix(value+"/"+rest, "/")
	}
	return p
}

// declared reports whether all the paths are declared to be volatile.
func declared(volatile, paths []string) bool {
	for _, p := range paths {
		if !slices.ContainsFunc(volatile, func(v string) bool { return within(p, atHome(v)) }) {
			return false
		}
	}
	return len(paths) > 0
}

// A linter looks at one script: the hook, or one that is an argument in it.
type linter struct {
	*memory
	script string
	start  int  // of the script in the hook
	exact  bool // the script stands in the hook as it is
}

// offset returns where in the hook a position of the script is.
func (l linter) offset(p syntax.Pos) int {
	if !l.exact {
		return l.start
	}
	return l.start + int(p.Offset())
}

// source returns the text of a node.
func (l linter) source(n syntax.Node) string {
	from, to := int(n.Pos().Offset()), int(n.End().Offset())
	if from > to || to > len(l.script) {
		return ""
	}
	return strings.TrimRight(l.script[from:to], "; \t\n&")
}

// report notes that a command breaks a rule, unless the scope has it that this
// does no harm. paths is what the command is about.
func (l linter) report(rule string, sc scope, paths ...string) {
	r := ruleNamed(rule)
	if r.nature&fails != 0 && (sc.tolerated || l.lenient || len(sc.guards) > 0) {
		return
	}
	l.broken = append(l.broken, broken{rule: r, offset: l.offset(sc.node.Pos()), source: l.source(sc.node), paths: paths})
}
