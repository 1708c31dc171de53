package call

import (
	"strings"

	"bkt/internal/script"

	"mvdan.cc/sh/v3/syntax"
)

// redirections returns the files that redirections write, and sets the input in sc.
func (l *lister) redirections(all []*syntax.Redirect, sc *scope) []Output {
	var outputs []Output
	for _, r := range all {
		switch r.Op {
		case syntax.RdrOut, syntax.RdrClob, syntax.RdrAll, syntax.AppOut, syntax.AppAll, syntax.RdrInOut:
			isAppend := r.Op == syntax.AppOut || r.Op == syntax.AppAll
			outputs = append(outputs, Output{Path: l.absolute(l.word(r.Word)), Append: isAppend})
		case syntax.Hdoc, syntax.DashHdoc:
			sc.input, sc.hasInput = l.heredoc(r), true
		case syntax.WordHdoc:
			sc.input, sc.hasInput = l.word(r.Word)+"\n", true
		case syntax.RdrIn:
			sc.input, sc.hasInput = "", true
		}
	}
	return outputs
}

func (l *lister) absolute(name string) string { return Call{Dir: l.dir}.Path(name) }

// heredoc returns the text of a heredoc.
func (l *lister) heredoc(r *syntax.Redirect) string {
	if r.Hdoc == nil {
		return ""
	}
	isQuoted := r.Word.Lit() == "" || strings.Contains(r.Word.Lit(), `\`) // without expansions
	var out strings.Builder
	for _, part := range r.Hdoc.Parts {
		lit, ok := part.(*syntax.Lit)
		switch {
		case !ok:
			out.WriteString(l.part(part))
		case isQuoted:
			out.WriteString(lit.Value)
		default:
			out.WriteString(script.Unescape(lit.Value, "$`\\\n"))
		}
	}
	text := out.String()
	if r.Op == syntax.DashHdoc {
		text = strings.TrimLeft(strings.ReplaceAll(text, "\n\t", "\n"), "\t")
	}
	return text
}

// words returns the values of words: braces are expanded, and a variable outside of
// quotes is split at its blanks. Globs stay as they are.
func (l *lister) words(all []*syntax.Word) []string {
	var out []string
	for _, w := range all {
		for _, w := range braces(w) {
			text := l.word(w)
			if len(w.Parts) == 1 && isVariable(w.Parts[0]) {
				out = append(out, strings.Fields(text)...)
				continue
			}
			out = append(out, text)
		}
	}
	return out
}

func isVariable(p syntax.WordPart) bool { _, ok := p.(*syntax.ParamExp); return ok }

// maxBraces is how many words braces make of one.
const maxBraces = 100

// braces returns the words that the lists in braces of a word expand to. Sequences such
// as {1..9} are unknown.
func braces(w *syntax.Word) []*syntax.Word {
	split := *w
	if !syntax.SplitBraces(&split) {
		return []*syntax.Word{w}
	}
	if all := chosen(&split); len(all) <= maxBraces {
		return all
	}
	return []*syntax.Word{w}
}

// chosen returns the words that a word, whose braces are split, expands to; more than
// maxBraces if there are too many.
func chosen(w *syntax.Word) []*syntax.Word {
	all := [][]syntax.WordPart{nil}
	for _, part := range w.Parts {
		choices := [][]syntax.WordPart{{part}}
		if b, ok := part.(*syntax.BraceExp); ok && !b.Sequence {
			choices = nil
			for _, elem := range b.Elems {
				for _, inner := range chosen(elem) {
					choices = append(choices, inner.Parts)
				}
			}
		}
		if all = product(all, choices); len(all) > maxBraces {
			break
		}
	}
	var words []*syntax.Word
	for _, parts := range all {
		words = append(words, &syntax.Word{Parts: parts})
	}
	return words
}

// product returns each of a followed by each of b.
func product(a, b [][]syntax.WordPart) [][]syntax.WordPart {
	var all [][]syntax.WordPart
	for _, x := range a {
		for _, y := range b {
			all = append(all, append(x[:len(x):len(x)], y...))
		}
	}
	return all
}

// word returns the value of a word without running anything.
func (l *lister) word(w *syntax.Word) string {
	if w == nil {
		return ""
	}
	var out strings.Builder
	for _, part := range w.Parts {
		out.WriteString(l.part(part))
	}
	if l.text += out.Len(); l.text > maxText {
		return Unknown
	}
	return out.String()
}

// part returns the value of a part of a word.
func (l *lister) part(p syntax.WordPart) string {
	switch p := p.(type) {
	case *syntax.Lit:
		return script.Unescape(p.Value, "")
	case *syntax.SglQuoted:
		if p.Dollar {
			return controls.Replace(p.Value)
		}
		return p.Value
	case *syntax.DblQuoted:
		var out strings.Builder
		for _, q := range p.Parts {
			if lit, ok := q.(*syntax.Lit); ok {
				out.WriteString(script.Unescape(lit.Value, "$`\"\\\n"))
			} else {
				out.WriteString(l.part(q))
			}
		}
		return out.String()
	case *syntax.ParamExp:
		return l.variable(p)
	}
	return Unknown
}

// variable returns the value of a variable, or its default.
func (l *lister) variable(p *syntax.ParamExp) string {
	if p.Param == nil || p.Excl || p.Length || p.Width || p.Index != nil || p.Slice != nil || p.Repl != nil {
		return Unknown
	}
	value, ok := l.vars[p.Param.Value]
	switch {
	case p.Exp == nil && ok:
		return value
	case p.Exp == nil:
		return Unknown
	case p.Exp.Op != syntax.DefaultUnset && p.Exp.Op != syntax.DefaultUnsetOrNull:
		return Unknown
	case ok && value != "":
		return value
	}
	return l.word(p.Exp.Word)
}
