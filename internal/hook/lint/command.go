package lint

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// A call is a command with its arguments, as far as they are known before it runs.
type call struct {
	name  string // without folder
	args  []string
	words []*syntax.Word // of args
	at    syntax.Pos
	fed   bool // xargs gives it more arguments
}

// A wrapper is a program that runs the command in its arguments.
type wrapper struct {
	names    string
	valued   string // options that take a value
	operands int    // that stand before the command
}

var wrappers = []wrapper{
	{"sudo", "-u --user -g --group -h --host -p --prompt -C -D --chdir -R --chroot -r -t -T -U", 0},
	{"doas", "-u -C", 0},
	{"env", "-u --unset -C --chdir", 0},
	{"nice", "-n --adjustment", 0},
	{"ionice", "-c -n -p --class --classdata", 0},
	{"nohup setsid time builtin busybox dbus-run-session distrobox-host-exec host-spawn eatmydata", "", 0},
	{"exec", "-a", 0},
	{"command", "", 0},
	{"stdbuf", "-i -o -e --input --output --error", 0},
	{"timeout", "-k -s --kill-after --signal", 1},
	{"chroot", "--userspec --groups", 1},
	{"flock", "-w -E --timeout --conflict-exit-code", 1},
	{"runuser", "-u --user -g --group -G --supp-group -s --shell -w", 0},
	{"setpriv", "--reuid --regid --groups --inh-caps --ambient-caps --bounding-set --securebits", 0},
	{"xargs", "-n -I -P -d -L -s -a -E --max-args --replace --max-procs --delimiter --max-lines --arg-file", 0},
}

// unwrap returns the command that c runs in the end.
func (c call) unwrap() call {
	for range 10 { // more than that is no one's habit
		inner, ok := c.inner()
		if !ok {
			return c
		}
		c = inner
	}
	return c
}

// inner returns the command in the arguments of c.
func (c call) inner() (call, bool) {
	i := slices.IndexFunc(wrappers, func(w wrapper) bool { return slices.Contains(strings.Fields(w.names), c.name) })
	if i < 0 || c.isLookup() {
		return c, false
	}
	n := command(c.args, wrappers[i].valued) + wrappers[i].operands
	for n < len(c.args) && isAssignment(c.args[n]) {
		n++
	}
	if c.name == "runuser" && !slices.ContainsFunc(c.args[:min(n, len(c.args))], func(a string) bool { return a == "-u" || strings.HasPrefix(a, "--user") }) {
		return c, false // it takes a user and a script, as su does
	}
	if n >= len(c.args) {
		return c, false
	}
	return call{path.Base(c.args[n]), c.args[n+1:], c.words[n+1:], c.at, c.fed || c.name == "xargs"}, true
}

// isLookup reports whether c only asks whether there is a command.
func (c call) isLookup() bool {
	switch c.name {
	case "which", "type", "hash":
		return true
	case "command":
		return len(c.args) > 0 && (c.args[0] == "-v" || c.args[0] == "-V")
	}
	return false
}

func isAssignment(s string) bool {
	name, _, ok := strings.Cut(s, "=")
	return ok && syntax.ValidName(name)
}

// is reports whether c is one of the commands.
func (c call) is(names ...string) bool { return slices.Contains(names, c.name) }

// sub returns c without its first argument, if that is one of words: the
// command of a program that has several.
func (c call) sub(words ...string) (call, bool) {
	if len(c.args) == 0 || !slices.Contains(words, c.args[0]) {
		return c, false
	}
	return call{c.args[0], c.args[1:], c.words[1:], c.at, c.fed}, true
}

// script returns the index of the argument that is a script, if c is a shell
// that is given one.
func (c call) script() (int, bool) {
	switch {
	case c.is("eval"):
		return 0, len(c.args) == 1
	case c.is("su", "runuser", "flock"):
		i := slices.IndexFunc(c.args, func(a string) bool { return a == "-c" || a == "--command" }) + 1
		return i, i > 0 && i < len(c.args)
	case !c.isShell():
		return 0, false
	}
	for i := 0; i+1 < len(c.args); i++ {
		arg := c.args[i]
		switch {
		case len(arg) < 2 || arg[0] != '-' && arg[0] != '+':
			return 0, false
		case arg[1] == '-':
		case strings.Contains(arg, "c"):
			return i + 1, true
		case strings.HasSuffix(arg, "o"):
			i++
		}
	}
	return 0, false
}

func (c call) isShell() bool { return c.is("sh", "bash", "dash", "ash", "ksh", "zsh", "mksh") }

// runsInput reports whether c runs what its standard input says.
func (c call) runsInput() bool {
	if !c.isShell() {
		return strings.HasPrefix(c.name, "python") && (len(c.args) == 0 || c.args[0] == "-")
	}
	n := command(c.args, "-o")
	return n >= len(c.args) || slices.ContainsFunc(c.args[:n], func(a string) bool { return a == "-s" || a == "--" }) || c.args[n] == "-"
}
