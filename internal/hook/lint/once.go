package lint

import (
	"path"
	"slices"
	"strings"
)

// These commands do their work once, and fail when it has been done.

func (l linter) mkdir(c call, sc scope) {
	o := parseOptions(c.args, "-m --mode -Z --context")
	if c.is("mkdir") && !o.has("-p", "--parents") && (len(o.operands) > 0 || c.fed) && !l.settled(o.operands) {
		l.report("mkdir", sc, l.all(o.operands)...)
	}
}

// settled reports whether the hook itself has seen to it that nothing is in
// the way of what it is about to make.
func (l linter) settled(paths []string) bool {
	return len(paths) > 0 && l.areFresh(l.all(paths))
}

func (l linter) link(c call, sc scope) {
	o := parseOptions(c.args, "-t --target-directory -S --suffix")
	if !c.is("ln") || o.has("-f", "--force", "-b", "--backup", "-i") || len(o.operands) == 0 {
		return
	}
	link := o.operands[len(o.operands)-1]
	if folders := o.values("-t", "--target-directory"); len(folders) > 0 {
		link = path.Join(folders[0], path.Base(link))
	}
	if !l.isFresh(l.absolute(link)) {
		l.report("link", sc, l.absolute(link))
	}
}

func (l linter) specialFile(c call, sc scope) {
	o := parseOptions(c.args, "-m --mode -Z --context")
	if !c.is("mkfifo", "mknod") || len(o.operands) == 0 {
		return
	}
	files := o.operands
	if c.is("mknod") {
		files = files[:1]
	}
	if !l.settled(files) {
		l.report("special-file", sc, l.all(files)...)
	}
}

func (l linter) account(c call, sc scope) {
	if !c.is("useradd", "adduser", "groupadd", "addgroup") {
		return
	}
	o := parseOptions(c.args, "-u --uid -g --gid -G --groups -d --home-dir --home -s --shell -c --comment -k --skel -b --base-dir -K --key -e -p --password --gecos --ingroup")
	force := c.is("groupadd") && o.has("-f", "--force")
	joins := c.is("adduser", "addgroup") && len(o.operands) > 1 // a user to a group, however often
	if !force && !joins && len(o.operands) > 0 && !o.has("-D", "--defaults", "--help") {
		l.report("account", sc)
	}
}

func (l linter) remote(c call, sc scope) {
	switch c.name {
	case "flatpak":
		if slices.Contains(c.args, "remote-add") && !slices.Contains(c.args, "--if-not-exists") {
			l.report("remote", sc)
		}
	case "git":
		if n := command(c.args, gitValued); n+1 < len(c.args) && c.args[n] == "remote" && c.args[n+1] == "add" {
			l.report("remote", sc)
		}
	}
}

// gitValued are the options of git itself that take a value.
const gitValued = "-C -c --git-dir --work-tree --namespace"

func (l linter) clone(c call, sc scope) {
	if !c.is("git") {
		return
	}
	n := command(c.args, gitValued)
	if n >= len(c.args) || c.args[n] != "clone" {
		return
	}
	o := parseOptions(c.args[n+1:], "-b --branch --depth -o --origin -c --config --reference --separate-git-dir -j --jobs --filter --template -u --upload-pack --shallow-since")
	if len(o.operands) == 0 {
		return
	}
	dir := strings.TrimSuffix(path.Base(o.operands[0]), ".git")
	if len(o.operands) > 1 {
		dir = o.operands[1]
	}
	dir = l.absolute(dir)
	l.keeps(dir, sc)
	if !l.isFresh(dir) {
		l.report("clone", sc, dir)
	}
}

func (l linter) move(c call, sc scope) {
	o := parseOptions(c.args, "-t --target-directory -S --suffix")
	if !c.is("mv") || o.has("-n", "--no-clobber") || len(o.operands) == 0 {
		return
	}
	sources := o.operands
	if !o.has("-t", "--target-directory") {
		sources = sources[:len(sources)-1]
	}
	if l.takesAway(sources) {
		l.report("move", sc, l.all(sources)...)
	}
}

func (l linter) remove(c call, sc scope) {
	o := parseOptions(c.args, "")
	if !c.is("rm", "rmdir", "unlink") || o.has("-f", "--force", "-i", "-I", "--interactive") {
		return
	}
	if l.takesAway(o.operands) {
		l.report("remove", sc, l.all(o.operands)...)
	}
}

// takesAway reports whether one of the paths is one that the hook cannot have made
// itself before it takes it away.
func (l linter) takesAway(paths []string) bool {
	if l.unpacks {
		return false
	}
	return slices.ContainsFunc(l.all(paths), func(p string) bool {
		return !strings.HasPrefix(p, madeName) && !slices.ContainsFunc(l.mentioned, func(m string) bool { return within(p, m) || within(m, p) })
	})
}
