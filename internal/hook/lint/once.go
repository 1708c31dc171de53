package lint

import (
	"path"
	"slices"
	"strings"

	"bkt/internal/hook/command"
)

// The commands here fail if their work is already done.

func (l *linter) checkMkdir(c command.Call, sc scope) {
	o := command.ParseOptions(c.Args, "-m --mode -Z --context")
	if c.Is("mkdir") && !o.Has("-p", "--parents") && (len(o.Operands) > 0 || c.FromXargs) && !l.hasCleared(o.Operands) {
		l.report("mkdir", sc, l.all(o.Operands)...)
	}
}

// hasCleared reports whether the hook has removed the paths before it creates them.
func (l *linter) hasCleared(paths []string) bool {
	return len(paths) > 0 && l.areFresh(l.all(paths))
}

func (l *linter) checkLink(c command.Call, sc scope) {
	o := command.ParseOptions(c.Args, "-t --target-directory -S --suffix")
	if !c.Is("ln") || o.Has("-f", "--force", "-b", "--backup", "-i") || len(o.Operands) == 0 {
		return
	}
	link := o.Operands[len(o.Operands)-1]
	if folders := o.Values("-t", "--target-directory"); len(folders) > 0 {
		link = path.Join(folders[0], path.Base(link))
	}
	if !l.isFresh(l.absolute(link)) {
		l.report("link", sc, l.absolute(link))
	}
}

func (l *linter) checkSpecialFile(c command.Call, sc scope) {
	o := command.ParseOptions(c.Args, "-m --mode -Z --context")
	if !c.Is("mkfifo", "mknod") || len(o.Operands) == 0 {
		return
	}
	files := o.Operands
	if c.Is("mknod") {
		files = files[:1]
	}
	if !l.hasCleared(files) {
		l.report("special-file", sc, l.all(files)...)
	}
}

func (l *linter) checkAccount(c command.Call, sc scope) {
	if !c.Is("useradd", "adduser", "groupadd", "addgroup") {
		return
	}
	o := command.ParseOptions(c.Args, "-u --uid -g --gid -G --groups -d --home-dir --home -s --shell -c --comment -k --skel -b --base-dir -K --key -e -p --password --gecos --ingroup")
	force := c.Is("groupadd") && o.Has("-f", "--force")
	joins := c.Is("adduser", "addgroup") && len(o.Operands) > 1 // it adds a user to a group, which can be repeated
	if !force && !joins && len(o.Operands) > 0 && !o.Has("-D", "--defaults", "--help") {
		l.report("account", sc)
	}
}

func (l *linter) checkRemote(c command.Call, sc scope) {
	switch c.Name {
	case "flatpak":
		if slices.Contains(c.Args, "remote-add") && !slices.Contains(c.Args, "--if-not-exists") {
			l.report("remote", sc)
		}
	case "git":
		if n := command.FirstOperand(c.Args, gitValued); n+1 < len(c.Args) && c.Args[n] == "remote" && c.Args[n+1] == "add" {
			l.report("remote", sc)
		}
	}
}

// gitValued are the options of git itself that take a value.
const gitValued = "-C -c --git-dir --work-tree --namespace"

func (l *linter) checkClone(c command.Call, sc scope) {
	if !c.Is("git") {
		return
	}
	n := command.FirstOperand(c.Args, gitValued)
	if n >= len(c.Args) || c.Args[n] != "clone" {
		return
	}
	o := command.ParseOptions(c.Args[n+1:], "-b --branch --depth -o --origin -c --config --reference --separate-git-dir -j --jobs --filter --template -u --upload-pack --shallow-since")
	if len(o.Operands) == 0 {
		return
	}
	dir := strings.TrimSuffix(path.Base(o.Operands[0]), ".git")
	if len(o.Operands) > 1 {
		dir = o.Operands[1]
	}
	dir = l.absolute(dir)
	l.checkDownload(dir, sc)
	if !l.isFresh(dir) {
		l.report("clone", sc, dir)
	}
}

func (l *linter) checkMove(c command.Call, sc scope) {
	o := command.ParseOptions(c.Args, "-t --target-directory -S --suffix")
	if !c.Is("mv") || o.Has("-n", "--no-clobber") || len(o.Operands) == 0 {
		return
	}
	sources := o.Operands
	if !o.Has("-t", "--target-directory") {
		sources = sources[:len(sources)-1]
	}
	if l.removesUnknown(sources) {
		l.report("move", sc, l.all(sources)...)
	}
}

func (l *linter) checkRemove(c command.Call, sc scope) {
	o := command.ParseOptions(c.Args, "")
	if !c.Is("rm", "rmdir", "unlink") || o.Has("-f", "--force", "-i", "-I", "--interactive") {
		return
	}
	if l.removesUnknown(o.Operands) {
		l.report("remove", sc, l.all(o.Operands)...)
	}
}

// removesUnknown reports whether the hook removes or moves a path that it cannot
// have created before.
func (l *linter) removesUnknown(paths []string) bool {
	if l.unpacks {
		return false
	}
	return slices.ContainsFunc(l.all(paths), func(p string) bool {
		return !strings.HasPrefix(p, mktempPrefix) && !slices.ContainsFunc(l.mentioned, func(m string) bool { return within(p, m) || within(m, p) })
	})
}
