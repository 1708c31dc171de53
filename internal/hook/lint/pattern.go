package lint

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"bkt/internal/hook/command"
)

// lazy returns an expression that is compiled when it is first used: bkt starts at every
// commit, and seldom lints hooks.
func lazy(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// A pattern is a text that a command looks for, line by line. The zero pattern is
// unknown, and in no text.
type pattern struct {
	source string
	known  bool
	re     *regexp.Regexp
}

// isIn reports whether a line of the text matches.
func (p pattern) isIn(text string) bool {
	return p.known && slices.ContainsFunc(strings.Split(text, "\n"), p.re.MatchString)
}

// mentions reports whether the pattern has a name in it.
func (p pattern) mentions(name string) bool { return name != "" && strings.Contains(p.source, name) }

// grep returns the condition that a grep is: about its files or, without them, about
// its input.
func (l *linter) grep(c command.Call) condition {
	o := command.ParseOptions(c.Args, "-e --regexp -f --file -m --max-count -A -B -C --include --exclude")
	expressions, files := o.Values("-e", "--regexp"), o.Operands
	if len(expressions) == 0 && len(files) > 0 {
		expressions, files = files[:1], files[1:]
	}
	p := pattern{source: strings.Join(expressions, "\n")}
	if len(expressions) == 1 && !o.Has("-v", "-c", "-L", "-f", "-P", "-o") && l.isKnown(c, expressions[0]) {
		flags := ""
		if o.Has("-i", "--ignore-case") {
			flags = "(?i)"
		}
		p = compile(expressions[0], dialectOf(c, o), flags, o.Has("-x", "--line-regexp"))
	}
	if len(files) == 0 {
		return condition{kind: presence, words: []string{p.source}, match: p}
	}
	return condition{kind: contains, words: l.all(files), match: p}
}

// isKnown reports whether the argument with a text has no part that is unknown.
func (l *linter) isKnown(c command.Call, text string) bool {
	i := slices.Index(c.Args, text)
	if i < 0 {
		return false // it is a part of another argument, such as --regexp=TEXT
	}
	_, known := l.literal(c.Words[i])
	return known
}

// A dialect is a kind of regular expressions.
type dialect uint8

const (
	basic dialect = iota
	extended
	fixed
)

// dialectOf returns the dialect of a grep.
func dialectOf(c command.Call, o command.Options) dialect {
	switch {
	case c.Is("fgrep"), o.Has("-F", "--fixed-strings"):
		return fixed
	case c.Is("egrep"), o.Has("-E", "--extended-regexp"):
		return extended
	}
	return basic
}

// maxPattern is the length in bytes of the longest pattern that is known: the time that
// matching takes grows with it.
const maxPattern = 500

// compile returns a pattern of a program; an unknown one if Go cannot express it.
func compile(text string, d dialect, flags string, wholeLine bool) pattern {
	if len(text) > maxPattern {
		return pattern{source: text}
	}
	expression := translate(text, d)
	if wholeLine {
		expression = "^(?:" + expression + ")$"
	}
	re, err := regexp.Compile(flags + expression)
	return pattern{text, err == nil, re}
}

// translate returns a regular expression of a program as Go writes it.
func translate(text string, d dialect) string {
	if d == fixed {
		return regexp.QuoteMeta(text)
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			out.WriteString(escaped(text[i], d))
		case c == '[':
			end := bracketEnd(text, i)
			out.WriteString(strings.ReplaceAll(text[i:end], `\`, `\\`))
			i = end - 1
		case d == basic && strings.IndexByte("+?{}()|", c) >= 0,
			d == basic && c == '*' && (i == 0 || text[i-1] == '^' && i == 1),
			d == basic && c == '$' && i+1 < len(text) && !strings.HasPrefix(text[i+1:], `\)`) && !strings.HasPrefix(text[i+1:], `\|`),
			d == basic && c == '^' && i > 0 && !strings.HasSuffix(text[:i], `\(`) && !strings.HasSuffix(text[:i], `\|`):
			out.WriteString(`\` + string(c))
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// escaped returns what a backslash before c means, as Go writes it.
func escaped(c byte, d dialect) string {
	switch {
	case c == '<' || c == '>':
		return `\b`
	case d == basic && strings.IndexByte("+?{}()|", c) >= 0:
		return string(c)
	case strings.IndexByte("wWsSbBntdD", c) >= 0:
		return `\` + string(c)
	}
	return regexp.QuoteMeta(string(c))
}

// bracketEnd returns the end of the bracket expression that begins at i.
func bracketEnd(text string, i int) int {
	j := i + 1
	if j < len(text) && text[j] == '^' {
		j++
	}
	if j < len(text) && text[j] == ']' {
		j++
	}
	for j < len(text) && text[j] != ']' {
		if strings.HasPrefix(text[j:], "[:") {
			if k := strings.Index(text[j:], ":]"); k > 0 {
				j += k + 1
			}
		}
		j++
	}
	return min(j+1, len(text))
}
