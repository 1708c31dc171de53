package lint

import (
	"path"
	"slices"
	"strings"

	"bkt/internal/hook/command"

	"mvdan.cc/sh/v3/syntax"
)

// record adds an effect of the command of a scope to the memory.
func (l *linter) record(e effect, sc scope) {
	l.clock++
	e.at, e.guards = l.clock, sc.guards
	l.effects = append(l.effects, e)
}

// make records that a command makes a path.
func (l *linter) make(kind effectKind, p string, sc scope) {
	if isDevice(p) {
		return
	}
	l.record(effect{kind: kind, path: p}, sc)
	l.fresh = append(l.fresh, place{path: p, guards: sc.guards})
}

// recordEffects records the effects of a command for the commands after it.
func (l *linter) recordEffects(c command.Call, sc scope) {
	var o command.Options
	if command.In("cd pushd read rm unlink rmdir mv", c.Name) {
		o = command.ParseOptions(c.Args, "")
	}
	switch c.Name {
	case "cd", "pushd":
		l.changeDir(o.Operands)
	case "set":
		l.setOptions(c.Args)
	case "trap":
		l.recordTrap(c)
	case "read":
		l.loops = append(l.loops, o.Operands...)
		for _, name := range o.Operands {
			delete(l.variables, name)
		}
	case "rm", "unlink", "rmdir":
		for _, p := range l.all(o.Operands) {
			l.removed = append(l.removed, p)
			l.make(removes, p, sc)
		}
	case "mv":
		if n := len(o.Operands); n > 1 {
			for _, p := range l.all(o.Operands[:n-1]) {
				l.removed = append(l.removed, p)
				l.record(effect{kind: removes, path: p}, sc)
			}
		}
	case "tar", "unzip", "bsdtar", "7z", "cpio", "git", "wget", "aria2c", "make", "go", "cargo", "npm", "gunzip", "unxz", "unzstd", "dnf", "rpm2cpio", "ar":
		l.unpacks = true
	}
	l.mentioned = append(l.mentioned, l.all(c.Args)...)
	if sc.stdout != "" {
		l.mentioned = append(l.mentioned, sc.stdout)
	}
	l.recordFiles(c, sc)
	l.recordDedupe(c)
	if sc.fromNet && c.Is("tee", "gpg", "tar") || c.Is("curl", "wget", "aria2c") && sc.stdout != "" {
		l.downloads = append(l.downloads, sc.stdout)
	}
}

// recordFiles records the files and folders that a command makes.
func (l *linter) recordFiles(c command.Call, sc scope) {
	for _, p := range l.writes(c) {
		l.make(creates, p, sc)
	}
	if !isFamiliar(c) {
		l.record(effect{kind: anything}, sc)
	}
	for _, e := range l.effectsOf(c) {
		l.record(e, sc)
	}
}

// effectsOf returns the effects of a command on files that it does not overwrite as a whole.
func (l *linter) effectsOf(c command.Call) []effect {
	const valued = "-m --mode -C --directory -d -b"
	switch c.Name {
	case "mkdir", "touch", "ln", "mkfifo":
		made := l.all(command.ParseOptions(c.Args, valued).Operands)
		if c.Is("mkdir") {
			l.folders = append(l.folders, made...)
		}
		return effectsOn(made, creates)
	case "sed", "perl":
		if s, ok := l.sed(c); ok {
			return effectsOn(s.files, changes)
		}
	case "tar", "unzip":
		return effectsOn(l.all(command.ParseOptions(c.Args, valued).Values("-C", "--directory", "-d")), populates)
	}
	return nil
}

// familiar are the commands whose effects on files are all recorded, or none.
const familiar = `mkdir rmdir rm unlink cp mv ln touch install tee echo printf cat true : false cd pushd popd export set unset
	test [ chmod chown chgrp chcon grep egrep fgrep sed awk sort uniq head tail tr cut wc date id uname hostname whoami sleep read shift trap
	return exit break continue wait umask useradd groupadd usermod adduser addgroup passwd mkfifo mknod ls stat readlink basename dirname
	realpath sync curl wget aria2c dd mktemp command which type hash getent cmp diff base64 sha256sum uuidgen seq tput truncate`

// isFamiliar reports whether all effects of a command are recorded.
func isFamiliar(c command.Call) bool {
	if command.In(familiar, c.Name) || isQuery(c) {
		return true
	}
	switch c.Name {
	case "git":
		return hasAny(c.Args, "clone config remote pull fetch")
	case "flatpak":
		return slices.Contains(c.Args, "remote-add")
	case "podman", "docker":
		return slices.Contains(c.Args, "create")
	}
	return false
}

const writeValued = "-m --mode -o --output -O --output-document -g --group --owner -t --target-directory -S --suffix"

// writes returns the files that a command overwrites.
func (l *linter) writes(c command.Call) []string {
	if !command.In("cp install mv tee truncate curl wget", c.Name) {
		return nil
	}
	o := command.ParseOptions(c.Args, writeValued)
	switch c.Name {
	case "cp", "install", "mv":
		if n := len(o.Operands); n > 1 {
			l.recordCopies(c, o)
			return l.all(o.Operands[n-1:])
		}
	case "tee":
		if !o.Has("-a", "--append") {
			return l.all(o.Operands)
		}
	case "truncate":
		return l.all(o.Operands)
	case "curl":
		files := l.curlFiles(command.ParseOptions(c.Args, curlValued), scope{})
		l.downloads = append(l.downloads, files...)
		return files
	case "wget":
		files := l.all(o.Values("-O", "--output-document"))
		l.downloads = append(l.downloads, files...)
		if len(files) == 0 {
			for _, url := range o.Operands {
				l.downloads = append(l.downloads, l.absolute(path.Base(url)))
			}
		}
		return files
	}
	return nil
}

// recordCopies records which file has the text of another.
func (l *linter) recordCopies(c command.Call, o command.Options) {
	n := len(o.Operands)
	if n != 2 {
		return
	}
	from, to := l.absolute(o.Operands[0]), l.absolute(o.Operands[1])
	if slices.Contains(l.downloads, from) {
		l.downloads = append(l.downloads, to)
	}
	if slices.Contains(l.folders, from) {
		l.folders = append(l.folders, to)
	}
	if earlier, ok := l.copies[from]; ok {
		l.copies[to] = earlier
		return
	}
	l.copies[to] = copied{from: []string{from}}
}

// recordCopy records that a file has the text of those that a command prints.
func (l *linter) recordCopy(to string, c syntax.Command) {
	delete(l.copies, to)
	if c == nil {
		return
	}
	var from []string
	commands, filtered := 0, false
	syntax.Walk(c, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.BinaryCmd:
			filtered = filtered || n.Op == syntax.Pipe
		case *syntax.CallExpr:
			if len(n.Args) == 0 {
				return true
			}
			commands++
			if r := l.resolve(n); r.Is("cat") {
				from = append(from, l.all(command.ParseOptions(r.Args, "").Operands)...)
			}
		}
		return true
	})
	if filtered || len(from) == 0 {
		return
	}
	l.copies[to] = copied{from, len(from) > 1 || commands > 1}
}

// recordDedupe records files of which a command removes lines that repeat.
func (l *linter) recordDedupe(c command.Call) {
	if !c.Is("sort", "uniq", "awk") {
		return
	}
	o := command.ParseOptions(c.Args, "-o --output -k -t")
	if c.Is("sort") && o.Has("-u", "--unique") || c.Is("uniq") || c.Is("awk") && len(c.Args) > 0 && strings.Contains(c.Args[0], "!seen[") {
		l.deduped = append(l.deduped, l.all(o.Operands)...)
		l.deduped = append(l.deduped, l.all(o.Values("-o", "--output"))...)
	}
}

// expandRemoved replaces variables in the paths that a hook removes with their values at
// its end: a trap names them by variables that can be set after it.
func (l *linter) expandRemoved(from int) {
	for i, p := range l.removed[from:] {
		l.removed[from+i] = l.expand(p)
	}
}

// expand replaces a variable at the start of a path with its value.
func (s *state) expand(p string) string {
	if !strings.HasPrefix(p, "$") {
		return p
	}
	name, rest, _ := strings.Cut(p[1:], "/")
	if value, ok := s.variables[name]; ok {
		return strings.TrimSuffix(value+"/"+rest, "/")
	}
	return p
}
