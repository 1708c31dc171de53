package lint

import (
	"slices"
	"strings"

	"bkt/internal/hook/command"

	"mvdan.cc/sh/v3/syntax"
)

// checkAppend reports a command that adds to the file target at every start.
func (l *linter) checkAppend(target string, sc scope) {
	if !isDevice(target) && !l.isFresh(target) && !sc.guardedFrom(target) {
		l.report("append", sc, target)
	}
}

// checkVarying reports a command that writes different content to the file target
// at every start.
func (l *linter) checkVarying(target string, sc scope) {
	if !isDevice(target) && !sc.guardedFrom(target) {
		l.report("varying", sc, target)
	}
}

func (l *linter) checkTee(c command.Call, sc scope) {
	if !c.Is("tee") {
		return
	}
	o := command.ParseOptions(c.Args, "")
	for _, target := range l.all(o.Operands) {
		switch {
		case o.Has("-a", "--append"):
			l.checkAppend(target, sc)
		case sc.varying:
			l.checkVarying(target, sc)
		}
	}
}

func (l *linter) checkSed(c command.Call, sc scope) {
	if !c.Is("sed") {
		return
	}
	const valued = "-e --expression -f --file -l --line-length"
	var inPlace bool
	var rest []string
	for _, arg := range c.Args { // -i may have a suffix, but not as a separate argument
		if arg == "-i" || strings.HasPrefix(arg, "-i") || strings.HasPrefix(arg, "--in-place") {
			inPlace = true
			continue
		}
		rest = append(rest, arg)
	}
	o := command.ParseOptions(rest, valued)
	inPlace = inPlace || o.Has("-i")
	scripts, files := o.Values("-e", "--expression"), o.Operands
	if len(scripts) == 0 && len(files) > 0 && !o.Has("-f", "--file") {
		scripts, files = files[:1], files[1:]
	}
	if inPlace && sedAdds(strings.Join(scripts, "\n")) {
		for _, f := range l.all(files) {
			l.checkAppend(f, sc)
		}
	}
}

// sedAdds reports whether a script of sed adds a line at every run. A script that also
// deletes lines, or has a negated address, is assumed to replace the line that it adds.
func sedAdds(script string) bool {
	adds := false
	for script != "" {
		letter, rest := sedCommand(script)
		switch letter {
		case 'a', 'i':
			adds = true
			_, script, _ = strings.Cut(rest, "\n")
		case 's', 'y':
			script = afterSubstitution(rest)
		case 'd', 'D', 'c', '!', '{':
			return false
		default:
			i := strings.IndexAny(rest, ";\n")
			if i < 0 {
				return adds
			}
			script = rest[i+1:]
		}
	}
	return adds
}

// sedCommand returns the letter of the first command of a script of sed, and the
// text after it; 0 without a command. It skips addresses.
func sedCommand(s string) (letter byte, rest string) {
	for s != "" {
		switch c := s[0]; {
		case strings.IndexByte(" \t;\n,0123456789$~+IM", c) >= 0:
			s = s[1:]
		case c == '/':
			s = afterDelimiter(s[1:], '/')
		case c == '\\' && len(s) > 1:
			s = afterDelimiter(s[2:], s[1])
		default:
			return c, s[1:]
		}
	}
	return 0, ""
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
	s = afterDelimiter(afterDelimiter(s[1:], s[0]), s[0])
	if i := strings.IndexAny(s, ";\n"); i >= 0 {
		return s[i+1:]
	}
	return ""
}

func (l *linter) checkGitConfig(c command.Call, sc scope) {
	if c.Is("git") && slices.Contains(c.Args, "config") && slices.Contains(c.Args, "--add") && len(sc.guards) == 0 {
		l.report("git-config-add", sc)
	}
}

// checkVaryingName reports files that have another name at every start.
func (l *linter) checkVaryingName(c command.Call, sc scope) {
	if !c.Is("cp", "mv", "touch", "mkdir", "ln", "install", "tar", "tee") || len(sc.guards) > 0 {
		return
	}
	for i, w := range c.Words {
		if strings.HasPrefix(c.Args[i], "-") || !l.varies(w) || isDevice(c.Args[i]) {
			continue
		}
		if i > 0 && c.Is("touch") && strings.HasPrefix(c.Args[i-1], "-") {
			continue // it is the time, not the name
		}
		l.report("varying", sc, l.absolute(c.Args[i]))
		return
	}
}

// checkPipe checks how the right side of a pipe uses its input.
func (l *linter) checkPipe(c *syntax.BinaryCmd, sc scope) {
	call, ok := c.Y.Cmd.(*syntax.CallExpr)
	if !ok {
		return
	}
	switch to := l.resolve(call); {
	case to.Is("crontab"):
		if l.listsCrontab(c.X) && len(sc.guards) == 0 {
			l.report("crontab", sc)
		}
	case to.RunsInput():
		if l.downloads(c.X) && !l.pipefail {
			l.report("pipe-to-shell", sc)
		}
	}
}

// listsCrontab reports whether a node prints the whole crontab.
func (l *linter) listsCrontab(n syntax.Node) bool {
	lists, filters := false, false
	l.calls(n, func(c command.Call) {
		lists = lists || c.Is("crontab") && slices.Contains(c.Args, "-l")
		filters = filters || c.Is("grep", "egrep", "fgrep", "sed", "awk", "sort", "uniq")
	})
	return lists && !filters
}

// downloads reports whether a node downloads something.
func (l *linter) downloads(n syntax.Node) bool {
	found := false
	l.calls(n, func(c command.Call) { found = found || c.Is("curl", "wget") })
	return found
}
