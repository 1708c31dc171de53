// Package command has the commands of shell scripts: their names and arguments,
// without the programs that only run another one, and their options.
//
// It knows the syntax of programs, as far as hooks use it, and no rules.
package command

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// A Call is a command with its arguments, as far as they are known before it runs.
type Call struct {
	Name      string // without its folder
	Args      []string
	Words     []*syntax.Word // of Args
	At        syntax.Pos
	FromXargs bool     // xargs adds more arguments
	Path      string   // as it is written
	Env       []string // assignments by env, NAME=VALUE
	Elevated  bool     // sudo or a program like it runs the command as root
}

// New returns the command of a simple command: words, and their texts. It is not
// unwrapped.
func New(words []*syntax.Word, texts []string, at syntax.Pos) Call {
	return Call{Name: path.Base(texts[0]), Path: texts[0], Args: texts[1:], Words: words[1:], At: at}
}

// A wrapper is a program that runs the command in its arguments.
type wrapper struct {
	names    string
	valued   string // options that take a value
	operands int    // how many come before the command
}

var wrappers = []wrapper{
	{"sudo", "-u --user -g --group -h --host -p --prompt -C -D --chdir -R --chroot -r -t -T -U", 0},
	{"doas", "-u -C", 0},
	{"pkexec run0", "--user -u", 0},
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

// maxWrappers is how many wrappers around a command Unwrap removes.
const maxWrappers = 10

// Unwrap returns the command that c finally runs.
func (c Call) Unwrap() Call {
	for range maxWrappers {
		inner, ok := c.inner()
		if !ok {
			return c
		}
		c = inner
	}
	return c
}

// inner returns the command in the arguments of c.
func (c Call) inner() (Call, bool) {
	i := slices.IndexFunc(wrappers, func(w wrapper) bool { return In(w.names, c.Name) })
	if i < 0 || c.IsLookup() {
		return c, false
	}
	n := FirstOperand(c.Args, wrappers[i].valued) + wrappers[i].operands
	env := c.Env
	for n < len(c.Args) && isAssignment(c.Args[n]) {
		env = append(env, c.Args[n])
		n++
	}
	if c.Name == "runuser" && !slices.ContainsFunc(c.Args[:min(n, len(c.Args))], func(a string) bool { return a == "-u" || strings.HasPrefix(a, "--user") }) {
		return c, false // it takes a user and a script, as su does
	}
	if n >= len(c.Args) {
		return c, false
	}
	inner := c
	inner.Name, inner.Path, inner.Args, inner.Words, inner.Env = path.Base(c.Args[n]), c.Args[n], c.Args[n+1:], c.Words[n+1:], env
	inner.FromXargs = c.FromXargs || c.Name == "xargs"
	inner.Elevated = c.Elevated || c.Is("sudo", "doas", "pkexec", "run0", "chroot")
	return inner, true
}

func isAssignment(s string) bool {
	name, _, ok := strings.Cut(s, "=")
	return ok && syntax.ValidName(name)
}

// IsLookup reports whether c only asks whether a command exists.
func (c Call) IsLookup() bool {
	switch c.Name {
	case "which", "type", "hash":
		return true
	case "command":
		return len(c.Args) > 0 && (c.Args[0] == "-v" || c.Args[0] == "-V")
	}
	return false
}

// Is reports whether c is one of the commands.
func (c Call) Is(names ...string) bool { return slices.Contains(names, c.Name) }

// Sub returns the subcommand of c as a command of its own, if it is one of words.
func (c Call) Sub(words ...string) (Call, bool) {
	if len(c.Args) == 0 || !slices.Contains(words, c.Args[0]) {
		return c, false
	}
	sub := c
	sub.Name, sub.Args, sub.Words = c.Args[0], c.Args[1:], c.Words[1:]
	return sub, true
}

// Script returns the index of the argument that is a script, if c runs one.
func (c Call) Script() (int, bool) {
	switch {
	case c.Is("eval"):
		return 0, len(c.Args) == 1
	case c.Is("su", "runuser", "flock"):
		i := slices.IndexFunc(c.Args, func(a string) bool { return a == "-c" || a == "--command" }) + 1
		return i, i > 0 && i < len(c.Args)
	case !c.IsShell():
		return 0, false
	}
	for i := 0; i+1 < len(c.Args); i++ {
		arg := c.Args[i]
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

// IsShell reports whether c is a shell.
func (c Call) IsShell() bool { return c.Is("sh", "bash", "dash", "ash", "ksh", "zsh", "mksh") }

// RunsInput reports whether c runs its standard input as a script.
func (c Call) RunsInput() bool {
	if !c.IsShell() {
		return strings.HasPrefix(c.Name, "python") && (len(c.Args) == 0 || c.Args[0] == "-")
	}
	n := FirstOperand(c.Args, "-o")
	return n >= len(c.Args) || slices.ContainsFunc(c.Args[:n], func(a string) bool { return a == "-s" || a == "--" }) || c.Args[n] == "-"
}
