package imagerule

import (
	"errors"
	"path"
	"slices"
	"strings"

	"bkt/internal/hook/command"
	"bkt/internal/paths"
	"bkt/internal/script"
	"bkt/internal/script/call"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// run judges the commands of a RUN.
func (r *reader) run(c *instructions.RunCommand) {
	if r.commands >= maxCommands {
		r.commands++
		return
	}
	r.mounts = r.targets(c)
	defer func() { r.mounts = nil }()
	if !c.PrependShell && len(c.Files) == 0 {
		calls, _ := call.Exec(c.CmdLine, r.dir, r.vars)
		r.calls(calls)
		return
	}
	for _, text := range scripts(c) {
		calls, err := call.List(text, r.dir, r.vars)
		if _, ok := errors.AsType[script.LimitError](err); ok && slices.ContainsFunc(userPrograms, func(name string) bool { return strings.Contains(text, name) }) {
			r.report(candidate{Found: Found{Problem: userProblem}})
		}
		r.calls(calls) // the shell itself complains of a script that cannot be parsed
	}
}

// scripts returns the scripts of a RUN: its command with the heredocs of the command, or
// the heredocs themselves if they are all there is. One with another interpreter than a
// shell is left out.
func scripts(c *instructions.RunCommand) []string {
	text := strings.Join(c.CmdLine, " ")
	var all []string
	if !strings.HasPrefix(text, "<<") {
		text += "\n"
		for _, f := range c.Files {
			text += f.Data + f.Name + "\n"
		}
		return []string{text}
	}
	for _, f := range c.Files {
		first, _, _ := strings.Cut(f.Data, "\n")
		if !strings.HasPrefix(first, "#!") || strings.Contains(first, "sh") {
			all = append(all, f.Data)
		}
	}
	return all
}

// targets returns where a RUN mounts something.
func (r *reader) targets(c *instructions.RunCommand) []string {
	if err := c.Expand(func(word string) (string, error) { return r.expand(word), nil }); err != nil {
		return nil // BuildKit reports the error
	}
	var all []string
	for _, m := range instructions.GetMounts(c) {
		if target := r.absolute(m.Target); path.IsAbs(target) {
			all = append(all, target)
		}
	}
	return all
}

func (r *reader) calls(all []call.Call) {
	for _, c := range all {
		if r.commands++; r.commands <= maxCommands {
			r.call(c)
		}
	}
}

// call judges a command.
func (r *reader) call(c call.Call) {
	content := func() ([]byte, bool) { text, ok := c.Text(); return []byte(text), ok }
	for _, o := range c.Outputs {
		f := file{path: o.Path, kind: written, certain: !c.Conditional, content: content, more: o.Append}
		r.write(f)
	}
	cmd := c.Command()
	if isElsewhere(c, cmd) {
		return
	}
	switch {
	case slices.ContainsFunc(cmd.Args, func(arg string) bool { return strings.Contains(arg, "assumeyes") }):
		r.answersIt = true
	case slices.Contains(userPrograms, cmd.Name):
		r.report(candidate{Found: Found{Problem: userProblem}})
	}
	if mayMakeInitramfs(cmd) {
		r.makesInitramfs()
	}
	if runsFile(cmd) || isOwnFile(c.Words[0]) {
		r.unread()
	}
	r.transfers(c, cmd)
	r.packages(c, cmd)
}

// isElsewhere reports whether chroot runs a command, so that its paths are in another folder.
func isElsewhere(c call.Call, cmd command.Call) bool {
	before := c.Words[:max(0, len(c.Words)-len(cmd.Args)-1)]
	return slices.ContainsFunc(before, func(word string) bool { return path.Base(word) == "chroot" })
}

// userPrograms are programs that change userFiles.
var userPrograms = []string{"useradd", "adduser", "groupadd", "addgroup", "usermod", "groupmod"}

var userProblem = Problem{
	Rule: "bootc/sysusers", What: "the machine has its own users, and users that the image adds later do not reach it",
	Advice: "declare them below /usr/lib/sysusers.d",
}

func mayMakeInitramfs(cmd command.Call) bool {
	names := append([]string{cmd.Name}, cmd.Args...)
	return slices.Contains([]string{"mkinitrd", "kernel-install"}, cmd.Name) || slices.ContainsFunc(names, func(name string) bool {
		name = path.Base(name)
		return name == "dracut" || strings.Contains(name, "initramfs") && !strings.HasPrefix(name, "initramfs")
	}) && !cmd.Is("echo", "rm", "mkdir", "chmod", "cp", "install", "dnf", "dnf5", "yum", "rpm", "tee")
}

// runsFile reports whether a command runs a script that the rules do not read.
func runsFile(cmd command.Call) bool {
	if cmd.IsShell() || cmd.Is("source", ".") {
		n := command.FirstOperand(cmd.Args, "-o")
		return n < len(cmd.Args) && !slices.Contains(cmd.Args[:n], "-c") && !slices.ContainsFunc(cmd.Args[:n], func(a string) bool { return strings.HasSuffix(a, "c") })
	}
	return path.Ext(cmd.Name) == ".sh" || path.Ext(cmd.Name) == ".py"
}

// isOwnFile reports whether a program is none of the image's, but a file of the build.
func isOwnFile(program string) bool {
	isSystem := func(dir string) bool { return paths.Within(program, dir) }
	return strings.Contains(program, "/") && !slices.ContainsFunc([]string{"/usr", "/bin", "/sbin"}, isSystem)
}

// unread takes back what a script that the rules do not read may have put right.
func (r *reader) unread() {
	r.makesInitramfs()
	r.disable(func(repository) bool { return true })
}

// transfers judges the files that a command writes and removes.
func (r *reader) transfers(c call.Call, cmd command.Call) {
	put := func(k kind, names ...string) {
		for _, name := range names {
			r.write(file{path: c.Path(name), kind: k, certain: !c.Conditional, content: r.printed(c, cmd)})
		}
	}
	switch cmd.Name {
	case "mkdir":
		put(folder, command.ParseOptions(cmd.Args, "-m --mode -Z --context").Operands...)
	case "touch", "tee":
		put(written, command.ParseOptions(cmd.Args, "-d --date -r --reference -t").Operands...)
	case "cp", "mv", "install", "rsync", "ln":
		r.transfer(c, cmd, put)
	case "curl":
		o := command.ParseOptions(cmd.Args, "-o --output -H -d -X -A -u --retry --output-dir")
		put(written, o.Values("-o", "--output")...)
	case "wget":
		o := command.ParseOptions(cmd.Args, "-O --output-document -P --directory-prefix")
		put(written, o.Values("-O", "--output-document", "-P", "--directory-prefix")...)
	case "tar", "bsdtar":
		if !extracts(cmd.Args) {
			return
		}
		put(written, command.ParseOptions(cmd.Args, "-C --directory -f --file").Values("-C", "--directory")...)
	case "unzip":
		put(written, command.ParseOptions(cmd.Args, "-d").Values("-d")...)
	case "git":
		if o := command.ParseOptions(cmd.Args, "-b --branch --depth -c --config"); len(o.Operands) == 3 && o.Operands[0] == "clone" {
			put(written, o.Operands[2])
		}
	case "rm", "rmdir", "unlink":
		for _, name := range command.ParseOptions(cmd.Args, "").Operands {
			r.remove(c.Path(name))
		}
	case "find":
		if len(cmd.Args) > 0 && slices.ContainsFunc(cmd.Args, func(a string) bool { return a == "-delete" || path.Base(a) == "rm" }) {
			r.remove(c.Path(cmd.Args[0]))
		}
	case "sed":
		r.edited(c, cmd)
	}
}

// extracts reports whether tar unpacks an archive: it may write or list one, too.
func extracts(args []string) bool {
	for i, arg := range args {
		isLong, isShort := strings.HasPrefix(arg, "--"), strings.HasPrefix(arg, "-") || i == 0
		if arg == "--extract" || arg == "--get" || !isLong && isShort && strings.Contains(arg, "x") {
			return true
		}
	}
	return false
}

// printed returns the function for what a command writes into its operands: tee, its input.
func (r *reader) printed(c call.Call, cmd command.Call) func() ([]byte, bool) {
	if cmd.Name != "tee" || command.ParseOptions(cmd.Args, "").Has("-a", "--append") {
		return nil
	}
	return func() ([]byte, bool) {
		return []byte(c.Input), c.Input != "" && !strings.Contains(c.Input, call.Unknown)
	}
}

// transfer judges the files that cp, mv, install, rsync and ln write.
func (r *reader) transfer(c call.Call, cmd command.Call, put func(kind, ...string)) {
	o := command.ParseOptions(cmd.Args, "-t --target-directory -m --mode -o --owner -g --group -S --suffix")
	if cmd.Name == "rsync" {
		o = command.ParseOptions(cmd.Args, "-e --rsh --exclude --include --chown --chmod -f --filter")
	}
	k, sources, dest := written, o.Operands, ""
	switch dirs := o.Values("-t", "--target-directory"); {
	case cmd.Name == "install" && o.Has("-d", "--directory"):
		put(folder, o.Operands...)
		return
	case cmd.Name != "rsync" && len(dirs) > 0:
		dest = dirs[0] + "/"
	case len(sources) < 2:
		return
	default:
		sources, dest = o.Operands[:len(o.Operands)-1], o.Operands[len(o.Operands)-1]
	}
	if cmd.Name == "ln" {
		k = linked
	}
	if cmd.Name == "mv" {
		for _, source := range sources {
			r.remove(c.Path(source))
		}
	}
	isFolder := strings.HasSuffix(dest, "/") || len(sources) > 1 || slices.Contains(r.folders, path.Clean(c.Path(dest))) || isKargsFolder(dest)
	for _, source := range sources {
		name := dest
		if isFolder && !strings.HasSuffix(source, "/") && !strings.HasSuffix(source, "/.") {
			name = path.Join(dest, path.Base(source))
		}
		put(k, name)
	}
}
