package lint

import (
	"strings"

	"bkt/internal/hook/command"

	"mvdan.cc/sh/v3/syntax"
)

// A content is a text that commands print.
type content struct {
	text  string
	known bool // text is all of it
}

func (c content) plus(d content) content { return content{c.text + d.text, c.known && d.known} }

// contentOf returns what a command prints. Its input is that of sc.
func (l *linter) contentOf(c syntax.Command, sc scope) content {
	switch c := c.(type) {
	case *syntax.CallExpr:
		if len(c.Args) > 0 {
			return l.printed(l.resolve(c), sc)
		}
	case *syntax.Block:
		return l.contentOfAll(c.Stmts, sc)
	case *syntax.Subshell:
		return l.contentOfAll(c.Stmts, sc)
	}
	return content{}
}

func (l *linter) contentOfAll(list []*syntax.Stmt, sc scope) content {
	all := content{known: true}
	for _, s := range list {
		for _, r := range s.Redirs {
			if r.Hdoc != nil {
				sc.input = l.inputOf(r)
			}
		}
		all = all.plus(l.contentOf(s.Cmd, sc))
	}
	return all
}

// printed returns what a command prints.
func (l *linter) printed(c command.Call, sc scope) content {
	args := content{known: true}
	texts := make([]string, len(c.Words))
	for i, w := range c.Words {
		text, known := l.literal(w)
		texts[i], args.known = text, args.known && known
	}
	switch {
	case c.Is("echo"):
		for len(texts) > 0 && len(texts[0]) == 2 && texts[0][0] == '-' && strings.Contains("neE", texts[0][1:]) {
			texts = texts[1:]
		}
		args.text = strings.ReplaceAll(strings.Join(texts, " "), `\n`, "\n") + "\n"
		return args
	case c.Is("printf") && len(texts) > 0:
		args.text = format(texts[0], texts[1:])
		return args
	case c.Is("cat") && (len(texts) == 0 || texts[0] == "-"), c.Is("tee"):
		return sc.input
	}
	return content{}
}

// format returns what printf prints, as far as hooks use it.
func format(layout string, args []string) string {
	layout = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\\`, `\`, "%%", "%").Replace(layout)
	parts := strings.Split(strings.ReplaceAll(layout, "%b", "%s"), "%s")
	if len(parts) == 1 {
		return layout
	}
	var out strings.Builder
	for { // printf repeats the layout until it has printed all arguments
		out.WriteString(parts[0])
		for _, part := range parts[1:] {
			if len(args) > 0 {
				out.WriteString(args[0])
				args = args[1:]
			}
			out.WriteString(part)
		}
		if len(args) == 0 || out.Len() > maxValue {
			return out.String()
		}
	}
}

// inputOf returns the text that a redirection is.
func (l *linter) inputOf(r *syntax.Redirect) content {
	word := r.Hdoc
	if r.Op == syntax.WordHdoc {
		word = r.Word
	}
	if word == nil {
		return content{}
	}
	text, known := l.literal(word)
	return content{text, known}
}

// literal returns a word as text does, and whether no part of it is unknown.
func (l *linter) literal(w *syntax.Word) (text string, known bool) {
	known = true
	for _, part := range w.Parts {
		known = known && l.isLiteral(part)
	}
	return l.text(w), known
}

func (l *linter) isLiteral(part syntax.WordPart) bool {
	switch p := part.(type) {
	case *syntax.Lit, *syntax.SglQuoted:
		return true
	case *syntax.DblQuoted:
		for _, q := range p.Parts {
			if !l.isLiteral(q) {
				return false
			}
		}
		return true
	case *syntax.ParamExp:
		if p.Param == nil || p.Exp != nil {
			return false
		}
		value, ok := l.variables[p.Param.Value]
		return ok && !strings.ContainsAny(value, "$`") || p.Param.Value == "HOME" || p.Param.Value == "USER"
	}
	return false
}
