package lint

import (
	"fmt"
	"slices"
	"strings"

	"bkt/internal/hook/command"
	"bkt/internal/script"

	"mvdan.cc/sh/v3/syntax"
)

// resolve returns the command that a call finally runs.
func (l *linter) resolve(c *syntax.CallExpr) command.Call {
	if len(c.Args) == 0 {
		return command.Call{At: c.Pos()}
	}
	var args []string
	for _, w := range c.Args {
		args = append(args, l.text(w))
	}
	first := command.New(c.Args, args, c.Pos())
	if slices.Contains(l.functions, args[0]) {
		return first
	}
	return first.Unwrap()
}

// text returns a word without its quotes. An expansion that is unknown before the hook
// runs stays unexpanded, but a variable is always $NAME, and a file of mktemp has a
// unique name.
func (l *linter) text(w *syntax.Word) string {
	var out strings.Builder
	for i, part := range w.Parts {
		if lit, ok := part.(*syntax.Lit); ok {
			text := script.Unescape(lit.Value, "")
			if i == 0 && (len(w.Parts) > 1 || !strings.HasPrefix(lit.Value, `\`)) {
				text = atHome(text)
			}
			out.WriteString(text)
			continue
		}
		out.WriteString(l.part(part))
	}
	return out.String()
}

func (l *linter) part(part syntax.WordPart) string {
	switch p := part.(type) {
	case *syntax.SglQuoted:
		if p.Dollar {
			return strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\\`, `\`, `\'`, "'").Replace(p.Value)
		}
		return p.Value
	case *syntax.DblQuoted:
		var out strings.Builder
		for _, q := range p.Parts {
			if lit, ok := q.(*syntax.Lit); ok {
				out.WriteString(script.Unescape(lit.Value, "$`\"\\\n"))
				continue
			}
			out.WriteString(l.part(q))
		}
		return out.String()
	case *syntax.ParamExp:
		return l.parameter(p)
	case *syntax.CmdSubst:
		if made := l.mktempIn(p); made != "" {
			return made
		}
	}
	return l.source(part)
}

// parameter returns the value of a variable, or its name.
func (l *linter) parameter(p *syntax.ParamExp) string {
	plain := p.Param != nil && !p.Excl && !p.Length && p.Index == nil && p.Slice == nil && p.Repl == nil
	if !plain {
		return l.source(p)
	}
	name := p.Param.Value
	if value, ok := l.variables[name]; ok && p.Exp == nil {
		return value
	}
	if p.Exp == nil || strings.HasSuffix(p.Exp.Op.String(), "-") {
		return "$" + name
	}
	return l.source(p)
}

// mktempIn returns the name of the file that mktemp creates in a substitution, ""
// without a mktemp in it.
func (l *linter) mktempIn(s *syntax.CmdSubst) string {
	name := ""
	l.calls(s, func(c command.Call) {
		if name == "" && makesTemporary(c) {
			name = l.mktempName(c)
		}
	})
	return name
}

func makesTemporary(c command.Call) bool {
	return c.Is("mktemp") && !command.ParseOptions(c.Args, "-p --suffix").Has("-u", "--dry-run")
}

func (l *linter) mktempName(c command.Call) string {
	return fmt.Sprint(mktempPrefix, l.depth, ".", l.offset(c.At))
}

// calls calls visit with each command in a node.
func (l *linter) calls(n syntax.Node, visit func(command.Call)) {
	syntax.Walk(n, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.CallExpr); ok && len(c.Args) > 0 {
			name := c.Args[0].Lit() // a substitution is visited by itself
			if name != "" {
				visit(l.resolveLiterals(c))
			}
		}
		return true
	})
}

// resolveLiterals is resolve without substitutions.
func (l *linter) resolveLiterals(c *syntax.CallExpr) command.Call {
	var args []string
	for _, w := range c.Args {
		if w.Lit() != "" {
			args = append(args, atHome(script.Unescape(w.Lit(), "")))
			continue
		}
		args = append(args, l.source(w))
	}
	return command.New(c.Args, args, c.Pos()).Unwrap()
}
