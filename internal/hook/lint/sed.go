package lint

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"bkt/internal/hook/command"
)

// A sedCall is a call of sed that changes files.
type sedCall struct {
	script  string
	known   bool // the whole script is
	quiet   bool // it prints only what the script says
	dialect dialect
	files   []string
}

// sed returns what c, which calls sed or perl as a substitute for it, does with files; false
// if it changes none.
func (l *linter) sed(c command.Call) (sedCall, bool) {
	if c.Is("perl") {
		return l.perl(c)
	}
	var inPlace bool
	var rest []string
	for _, arg := range c.Args { // -i may have a suffix, but not as a separate argument
		if arg == "-i" || strings.HasPrefix(arg, "-i") || strings.HasPrefix(arg, "--in-place") {
			inPlace = true
			continue
		}
		rest = append(rest, arg)
	}
	o := command.ParseOptions(rest, "-e --expression -f --file -l --line-length")
	inPlace = inPlace || o.Has("-i")
	scripts, files := o.Values("-e", "--expression"), o.Operands
	if len(scripts) == 0 && len(files) > 0 && !o.Has("-f", "--file") {
		scripts, files = files[:1], files[1:]
	}
	s := sedCall{script: strings.Join(scripts, "\n"), known: true, files: l.all(files)}
	if o.Has("-E", "-r", "--regexp-extended") {
		s.dialect = extended
	}
	s.quiet = o.Has("-n", "--quiet", "--silent")
	for _, text := range scripts {
		s.known = s.known && l.isKnown(c, text)
	}
	return s, inPlace && len(s.files) > 0
}

// perl returns a call of perl -pi -e.
func (l *linter) perl(c command.Call) (sedCall, bool) {
	o := command.ParseOptions(c.Args, "-e")
	scripts := o.Values("-e")
	if len(scripts) != 1 || !slices.ContainsFunc(c.Args, func(a string) bool { return len(a) > 1 && a[0] == '-' && strings.Contains(a, "i") }) {
		return sedCall{}, false
	}
	script := strings.NewReplacer(`$&`, "&", `$1`, `\1`, `$2`, `\2`).Replace(scripts[0])
	return sedCall{script: script, known: true, dialect: extended, files: l.all(o.Operands)}, len(o.Operands) > 0
}

func (l *linter) checkSed(c command.Call, sc scope) {
	s, ok := l.sed(c)
	if !ok {
		return
	}
	added, grown := s.additions()
	for _, f := range s.files {
		if added != nil {
			l.checkAppend(f, content{strings.Join(added, "\n"), s.known && !slices.Contains(added, "$")}, sc)
		}
		if grown != "" && !l.isFresh(f, sc) {
			l.reportEffects("substitute", sc, effect{kind: adds, path: f, text: grown, known: false})
		}
		if p, ok := s.deletes(); ok {
			l.cleaned = append(l.cleaned, place{f, sc.guards, p})
		}
	}
}

// additions returns the lines that a script of sed adds at every run, nil if it adds none,
// and the replacement of a substitution whose result matches again and grows. A script that also
// deletes lines, or has a negated address, is assumed to replace what it adds.
func (s sedCall) additions() (added []string, grown string) {
	script := s.script
	for script != "" {
		letter, address, rest := sedCommand(script)
		switch letter {
		case 'a', 'i':
			line, after, _ := strings.Cut(rest, "\n")
			added = append(added, strings.TrimLeft(line, "\\ \t"))
			script = after
		case 's', 'y':
			if letter == 's' && s.known && s.growsBy(address, rest) {
				grown = rest
			}
			script = afterSubstitution(rest)
		case 'd', 'D', 'c', '!', '{':
			return nil, ""
		default:
			if letter == 'r' || letter == 'R' || letter == 'G' || letter == 'p' && !s.quiet {
				added = append(added, "$") // unknown
			}
			script = nextCommand(rest)
		}
	}
	return added, grown
}

// deletes returns the pattern of the lines that a script deletes. Of a range, it is that of
// the first line.
func (s sedCall) deletes() (pattern, bool) {
	script := s.script
	for script != "" {
		letter, address, rest := sedCommand(script)
		switch letter {
		case 'd':
			if len(address) < 2 || !s.known {
				return pattern{}, true
			}
			return compile(strings.ReplaceAll(address, `\/`, "/"), s.dialect, "", false), true
		case 's', 'y':
			script = afterSubstitution(rest)
		default:
			script = nextCommand(rest)
		}
	}
	return pattern{}, false
}

// sedCommand returns the letter of the first command of a script of sed, its first address
// that is a pattern, and the text after the letter; 0 without a command.
func sedCommand(s string) (letter byte, address, rest string) {
	keep := func(text string, delimiter byte) string {
		after := afterDelimiter(text, delimiter)
		if address == "" && len(after) < len(text) {
			address = text[:len(text)-len(after)-1]
		}
		return after
	}
	for s != "" {
		switch c := s[0]; {
		case strings.IndexByte(" \t;\n,0123456789$~+IM", c) >= 0:
			s = s[1:]
		case c == '/':
			s = keep(s[1:], '/')
		case c == '\\' && len(s) > 1:
			s = keep(s[2:], s[1])
		default:
			return c, address, s[1:]
		}
	}
	return 0, address, ""
}

// afterDelimiter returns the text after the next delimiter without a backslash
// before it.
func afterDelimiter(s string, delimiter byte) string {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case delimiter:
			return s[i+1:]
		}
	}
	return ""
}

// afterSubstitution returns the text after a substitution of sed, whose letter s
// is already removed.
func afterSubstitution(s string) string {
	if s == "" {
		return ""
	}
	return nextCommand(afterDelimiter(afterDelimiter(s[1:], s[0]), s[0]))
}

// nextCommand returns the script after the end of a command.
func nextCommand(s string) string {
	if i := strings.IndexAny(s, ";\n"); i >= 0 {
		return s[i+1:]
	}
	return ""
}

// growsBy reports whether the result of a substitution matches again, and is longer each
// time. It tries the substitution on texts that match; address is a pattern that lines must
// match.
func (s sedCall) growsBy(address, substitution string) bool {
	if substitution == "" {
		return false
	}
	delimiter, rest := substitution[0], substitution[1:]
	after := afterDelimiter(rest, delimiter)
	if len(after) == len(rest) || after == "" {
		return false
	}
	search := strings.ReplaceAll(rest[:len(rest)-len(after)-1], `\`+string(delimiter), string(delimiter))
	tail := afterDelimiter(after, delimiter)
	replacement := strings.ReplaceAll(strings.TrimSuffix(after[:len(after)-len(tail)], string(delimiter)), `\`+string(delimiter), string(delimiter))
	p := compile(search, s.dialect, "", false)
	if !p.known {
		return false
	}
	lines := samplesOf(p)
	var where pattern
	if address != "" {
		if where = compile(address, s.dialect, "", false); !where.known {
			return false
		}
		lines = join(lines, samplesOf(where))
	}
	lines = slices.DeleteFunc(lines, func(text string) bool { return !p.re.MatchString(text) || where.known && !where.re.MatchString(text) })
	return len(lines) > 0 && !slices.ContainsFunc(lines, func(text string) bool {
		return !growsAgain(p.re, where, text, expandable(replacement))
	})
}

// join returns each text of a before and after each of b.
func join(a, b []string) []string {
	var all []string
	for _, x := range a {
		for _, y := range b {
			all = append(all, x+y, y+x)
		}
	}
	return all
}

// growsAgain reports whether a line grows with each of three replacements. It must match
// where each time, if that is known.
func growsAgain(re *regexp.Regexp, where pattern, text, replacement string) bool {
	for range 3 {
		at := re.FindStringSubmatchIndex(text)
		if at == nil || where.known && !where.re.MatchString(text) {
			return false
		}
		next := text[:at[0]] + string(re.ExpandString(nil, replacement, text, at)) + text[at[1]:]
		if len(next) <= len(text) {
			return false
		}
		text = next
	}
	return true
}

// expandable returns the replacement of a substitution of sed as Go writes it.
func expandable(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '$':
			out.WriteString("$$")
		case c == '&':
			out.WriteString("${0}")
		case c == '\\' && i+1 < len(text):
			i++
			switch d := text[i]; {
			case d >= '0' && d <= '9':
				out.WriteString("${" + string(d) + "}")
			case d == 'n':
				out.WriteByte('\n')
			default:
				out.WriteByte(d)
			}
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// samplesOf returns texts that a pattern matches: the shortest, and one with each
// repetition once; none if it has parts without a sample.
func samplesOf(p pattern) []string {
	tree, err := syntax.Parse(p.re.String(), syntax.Perl)
	if err != nil {
		return nil
	}
	var samples []string
	for _, repeat := range []int{0, 1} {
		if text, ok := sample(tree, repeat); ok && p.re.MatchString(text) {
			samples = append(samples, text)
		}
	}
	return samples
}

// sample returns a text that an expression matches, with optional parts repeat times.
func sample(re *syntax.Regexp, repeat int) (string, bool) {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary:
		return "", true
	case syntax.OpLiteral:
		return string(re.Rune), true
	case syntax.OpCharClass:
		return string(inClass(re.Rune)), len(re.Rune) > 0
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "x", true
	case syntax.OpCapture:
		return sample(re.Sub[0], repeat)
	case syntax.OpStar, syntax.OpQuest, syntax.OpPlus, syntax.OpRepeat:
		n := repeat
		if re.Op == syntax.OpPlus {
			n = 1
		} else if re.Op == syntax.OpRepeat {
			n = min(max(re.Min, 0), 10)
		}
		text, ok := sample(re.Sub[0], repeat)
		return strings.Repeat(text, n), ok
	case syntax.OpAlternate:
		return sample(re.Sub[0], repeat)
	case syntax.OpConcat:
		var out strings.Builder
		for _, sub := range re.Sub {
			text, ok := sample(sub, repeat)
			if !ok {
				return "", false
			}
			out.WriteString(text)
		}
		return out.String(), true
	}
	return "", false
}

// inClass returns a character of a class, if possible one that stands in words.
func inClass(ranges []rune) rune {
	for _, r := range "x1 " {
		for i := 0; i+1 < len(ranges); i += 2 {
			if ranges[i] <= r && r <= ranges[i+1] {
				return r
			}
		}
	}
	if len(ranges) == 0 {
		return 0
	}
	return ranges[0]
}
