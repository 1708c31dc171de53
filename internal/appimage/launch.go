package appimage

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"

	"bkt/internal/homepath"
	"bkt/internal/keyfile"
)

// A launch is what the user has added to the command of a desktop entry: variables of the
// environment, and arguments of the file.
type launch struct {
	env  map[string]string
	args []string
}

// declaredLaunch returns the launch of an app in the words of manifests, which have ${HOME}
// for the home.
func declaredLaunch(a app) launch { return launch{a.Env, a.Args} }

// launchOf returns the launch that a declared app means for this home.
func (d Domain) launchOf(a app) launch {
	return declaredLaunch(a).mapped(func(text string) string { return homepath.Decode(text, d.Home) })
}

// encoded returns a launch in the words of manifests.
func (s snapshot) encoded(l launch) (env map[string]string, args []string) {
	l = l.mapped(func(text string) string { return homepath.Encode(s.home.Usual(text), s.Home) })
	return l.env, l.args
}

// mapped returns the launch with each value and argument changed by f.
func (l launch) mapped(f func(string) string) launch {
	out := launch{env: maps.Clone(l.env), args: slices.Clone(l.args)}
	for name, value := range out.env {
		out.env[name] = f(value)
	}
	for n, arg := range out.args {
		out.args[n] = f(arg)
	}
	return out
}

func (l launch) equal(other launch) bool {
	return maps.Equal(l.env, other.env) && slices.Equal(l.args, other.args)
}

// keyOwn is the key with the command of the image, in each group whose command bkt wrote:
// what the command has in addition comes from the user.
const keyOwn = "X-Bkt-Exec"

// errOtherCommand is the error of a command that a launch cannot express.
var errOtherCommand = errors.New("starts the file by another program, or without arguments of the image")

// launchFrom returns what the user has added to a command line. file is the file that it
// should start, and own the command line in its image.
func launchFrom(line, own, file string) (launch, error) {
	l := launch{}
	words := execWords(line)
	words, l.env = withoutEnv(words)
	if len(words) == 0 || literal(words[0]) != file {
		return launch{}, errOtherCommand
	}
	l.args = words[1:]
	for _, w := range argsOf(own) {
		n := slices.Index(l.args, w)
		if n < 0 {
			return launch{}, errOtherCommand
		}
		l.args = slices.Delete(slices.Clone(l.args), n, n+1)
	}
	if slices.ContainsFunc(l.args, hasFieldCode) {
		return launch{}, errOtherCommand
	}
	for n, w := range l.args {
		l.args[n] = literal(w)
	}
	return l, nil
}

// firstProgram returns the program that a command line starts, "" if none.
func firstProgram(line string) string {
	words, _ := withoutEnv(execWords(line))
	if len(words) == 0 {
		return ""
	}
	return literal(words[0])
}

// withoutEnv returns the words of a command without env(1) and its variables, and these.
func withoutEnv(words []string) ([]string, map[string]string) {
	if len(words) == 0 || words[0] != "env" && words[0] != "/usr/bin/env" {
		return words, nil
	}
	env := map[string]string{}
	for words = words[1:]; len(words) > 0; words = words[1:] {
		name, value, ok := strings.Cut(words[0], "=")
		if !ok {
			break
		}
		env[literal(name)] = literal(value)
	}
	return words, env
}

// argsOf returns the arguments in a command line of an image.
func argsOf(line string) []string {
	words, _ := withoutEnv(execWords(line))
	return words[min(1, len(words)):]
}

// A percent sign begins a field code, unless it is doubled; see the Desktop Entry
// Specification.

func literal(word string) string { return strings.ReplaceAll(word, "%%", "%") }

func doubled(text string) string { return strings.ReplaceAll(text, "%", "%%") }

func hasFieldCode(word string) bool {
	return strings.Contains(strings.ReplaceAll(word, "%%", ""), "%")
}

// command returns a command line that starts the file with what the user has added, and
// with the arguments in the command line of its image.
func (l launch) command(file, own string) string {
	var out []string
	if len(l.env) > 0 {
		out = append(out, "env")
	}
	for _, name := range slices.Sorted(maps.Keys(l.env)) {
		out = append(out, quoteExec(doubled(name+"="+l.env[name])))
	}
	out = append(out, quoteExec(doubled(file)))
	for _, w := range l.args {
		out = append(out, quoteExec(doubled(w)))
	}
	for _, w := range argsOf(own) {
		out = append(out, quoteExec(w))
	}
	return strings.Join(out, " ")
}

// launch returns what the user has added to the command of the desktop entry of a file. It
// is unknown if there is no entry for the file, or if the command in its image is unknown.
func (d desktopFile) launch(f *file) (l launch, known bool, err error) {
	own := cmp.Or(d.entry.Get(desktopGroup, keyOwn), f.Exec)
	started := cmp.Or(d.broken, f.path)
	if own == "" || !d.starts && d.broken == "" {
		return launch{}, false, nil
	}
	l, err = launchFrom(d.entry.Get(desktopGroup, "Exec"), own, started)
	return l, err == nil, err
}

// keepCommand returns an entry that replaces this one with the command of this one, if that
// is one of the user's that a manifest cannot express. f is the file that this one starts.
func (d desktopFile) keepCommand(entry keyfile.File, f *file) keyfile.File {
	if _, _, err := d.launch(f); err == nil {
		return entry
	}
	entry, main := entry.Open(desktopGroup)
	entry[main].Set("Exec", d.entry.Raw(desktopGroup, "Exec"))
	return entry
}

// withLaunch returns a desktop entry that starts the file at path as l says. Groups whose
// command is not known from the image keep theirs.
func withLaunch(entry keyfile.File, own, path string, l launch) keyfile.File {
	out := slices.Clone(entry)
	for n := range out {
		g := &out[n]
		g.Entries = slices.Clone(g.Entries)
		line := entry.Get(g.Name, keyOwn)
		if line == "" && g.Name == desktopGroup {
			line = own
		}
		if line != "" {
			g.Set("Exec", keyfile.Escape(l.command(path, line)))
		}
		if g.Name == desktopGroup {
			g.Set("TryExec", keyfile.Escape(path))
		}
	}
	return out
}
