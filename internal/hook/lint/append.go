package lint

import (
	"slices"
	"strings"

	"bkt/internal/hook/command"

	"mvdan.cc/sh/v3/syntax"
)

// checkAppend reports a command that adds a text to the file target at every start.
func (l *linter) checkAppend(target string, added content, sc scope) {
	if isDevice(target) {
		return
	}
	e := effect{kind: adds, path: target, text: added.text, known: added.known}
	l.record(e, sc)
	l.checkNeedsRootAt(target, sc)
	if c, ok := l.copies[target]; ok {
		c.added = true
		l.copies[target] = c
	}
	if !l.isFresh(target, sc) && !l.isCleaned(target, added, sc) {
		l.reportEffects("append", sc, e)
	}
}

// isCleaned reports whether hooks have deleted a text from a file before they add it.
func (l *linter) isCleaned(target string, added content, sc scope) bool {
	return slices.ContainsFunc(l.cleaned, func(p place) bool {
		return p.path == target && (p.holds(sc) || asksAbout(p.guards, target)) && (!p.text.known || !added.known || p.text.isIn(added.text))
	})
}

// asksAbout reports whether all guards are about the text of a file, or its existence.
func asksAbout(guards []*guard, file string) bool {
	return !slices.ContainsFunc(guards, func(g *guard) bool {
		return g.op != none || g.kind != contains && g.kind != exists || !slices.Contains(g.words, file)
	})
}

// checkGrown reports a file that takes the place of one from which it was made by adding.
func (l *linter) checkGrown(c command.Call, sc scope) {
	o := command.ParseOptions(c.Args, writeValued)
	if len(o.Operands) != 2 {
		return
	}
	from, to := l.absolute(o.Operands[0]), l.absolute(o.Operands[1])
	if grown, ok := l.copies[from]; ok && grown.added && slices.Contains(grown.from, to) {
		l.reportEffects("append", sc, effect{kind: adds, path: to})
	}
}

// checkVarying reports a command that writes different content to the file target
// at every start.
func (l *linter) checkVarying(target string, sc scope) {
	if !isDevice(target) {
		l.report("varying", sc, target)
	}
}

func (l *linter) checkTee(c command.Call, sc scope) {
	o := command.ParseOptions(c.Args, "")
	for _, target := range l.all(o.Operands) {
		switch {
		case o.Has("-a", "--append"):
			l.checkAppend(target, sc.input, sc)
		case sc.varying:
			l.checkVarying(target, sc)
		case sc.fromNet:
			l.checkDownload(target, sc)
		}
	}
}

// checkAppender reports other programs that add to a file.
func (l *linter) checkAppender(c command.Call, sc scope) {
	switch c.Name {
	case "dd":
		if !slices.ContainsFunc(c.Args, func(a string) bool { return strings.HasPrefix(a, "oflag=") && strings.Contains(a, "append") }) {
			return
		}
		for _, file := range l.ddFiles(c) {
			l.checkAppend(file, sc.input, sc)
		}
	case "tar":
		if len(c.Args) > 1 && (strings.HasPrefix(c.Args[0], "-r") || strings.HasPrefix(c.Args[0], "r") || c.Args[0] == "--append") {
			o := command.ParseOptions(append([]string{"-" + strings.TrimLeft(c.Args[0], "-")}, c.Args[1:]...), "-f --file -C --directory")
			for _, file := range l.all(o.Values("-f", "--file")) {
				l.checkAppend(file, content{}, sc)
			}
		}
	case "ed", "ex":
		if o := command.ParseOptions(c.Args, "-p"); len(o.Operands) > 0 && edAdds(sc.input) {
			l.checkAppend(l.absolute(o.Operands[0]), sc.input, sc)
		}
	}
}

// ddFiles returns the files that dd writes.
func (l *linter) ddFiles(c command.Call) []string {
	var files []string
	for _, a := range c.Args {
		if file, ok := strings.CutPrefix(a, "of="); ok {
			files = append(files, l.absolute(atHome(file)))
		}
	}
	return files
}

// edAdds reports whether a script of ed adds lines, and deletes none.
func edAdds(script content) bool {
	adds := false
	for line := range strings.SplitSeq(script.text, "\n") {
		command := strings.TrimLeft(line, "0123456789$.,")
		adds = adds || command == "a" || command == "i"
		if strings.HasSuffix(line, "d") || command == "c" {
			return false
		}
	}
	return adds
}

func (l *linter) checkGitConfig(c command.Call, sc scope) {
	if slices.Contains(c.Args, "config") && slices.Contains(c.Args, "--add") {
		l.reportNamed("git-config-add", sc, c.Args[slices.Index(c.Args, "--add")+1:]...)
	}
}

// checkVaryingName reports files that have another name at every start.
func (l *linter) checkVaryingName(c command.Call, sc scope) {
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
		if l.listsCrontab(c.X) {
			l.reportNamed("crontab", sc, "crontab")
		}
	case to.RunsInput():
		if l.downloadsIn(c.X) && !l.pipefail {
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

// downloadsIn reports whether a node downloads something.
func (l *linter) downloadsIn(n syntax.Node) bool {
	found := false
	l.calls(n, func(c command.Call) { found = found || c.Is("curl", "wget") })
	return found
}
