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
	if !o.Has("-p", "--parents") && (len(o.Operands) > 0 || c.FromXargs) && !l.hasCleared(o.Operands, sc) {
		l.report("mkdir", sc, l.all(o.Operands)...)
	}
}

// hasCleared reports whether the hook has removed the paths before it creates them.
func (l *linter) hasCleared(paths []string, sc scope) bool {
	return len(paths) > 0 && l.areFresh(l.all(paths), sc)
}

func (l *linter) checkLink(c command.Call, sc scope) {
	o := command.ParseOptions(c.Args, "-t --target-directory -S --suffix")
	if o.Has("-f", "--force", "-b", "--backup", "-i") || len(o.Operands) == 0 {
		return
	}
	link := o.Operands[len(o.Operands)-1]
	if folders := o.Values("-t", "--target-directory"); len(folders) > 0 {
		link = path.Join(folders[0], path.Base(link))
	}
	if !l.isFresh(l.absolute(link), sc) {
		l.report("link", sc, l.absolute(link))
	}
}

func (l *linter) checkSpecialFile(c command.Call, sc scope) {
	o := command.ParseOptions(c.Args, "-m --mode -Z --context")
	if len(o.Operands) == 0 {
		return
	}
	files := o.Operands
	if c.Is("mknod") {
		files = files[:1]
	}
	if !l.hasCleared(files, sc) {
		l.report("special-file", sc, l.all(files)...)
	}
}

func (l *linter) checkAccount(c command.Call, sc scope) {
	o := command.ParseOptions(c.Args, "-u --uid -g --gid -G --groups -d --home-dir --home -s --shell -c --comment -k --skel -b --base-dir -K --key -e -p --password --gecos --ingroup")
	force := c.Is("groupadd") && o.Has("-f", "--force")
	joins := c.Is("adduser", "addgroup") && len(o.Operands) > 1 // it adds a user to a group, which can be repeated
	if !force && !joins && len(o.Operands) > 0 && !o.Has("-D", "--defaults", "--help") {
		l.reportNamed("account", sc, o.Operands[len(o.Operands)-1])
	}
}

func (l *linter) checkRemote(c command.Call, sc scope) {
	switch c.Name {
	case "flatpak":
		if slices.Contains(c.Args, "remote-add") && !slices.Contains(c.Args, "--if-not-exists") {
			l.reportNamed("remote", sc, c.Args...)
		}
	case "git":
		if n := command.FirstOperand(c.Args, gitValued); n+1 < len(c.Args) && c.Args[n] == "remote" && c.Args[n+1] == "add" {
			l.reportNamed("remote", sc, c.Args[n+2:]...)
		}
	}
}

// gitValued are the options of git itself that take a value.
const gitValued = "-C -c --git-dir --work-tree --namespace"

func (l *linter) checkClone(c command.Call, sc scope) {
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
	if !l.isFresh(dir, sc) {
		l.report("clone", sc, dir)
	}
}

func (l *linter) checkMove(c command.Call, sc scope) {
	o := command.ParseOptions(c.Args, "-t --target-directory -S --suffix")
	if o.Has("-n", "--no-clobber") || len(o.Operands) == 0 {
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

// checkConsumed reports programs that replace a file with another one.
func (l *linter) checkConsumed(c command.Call, sc scope) {
	o := command.ParseOptions(c.Args, "-S --suffix")
	if !o.Has("-k", "--keep", "-c", "--stdout", "-t", "-l", "--test", "--list") && l.removesUnknown(o.Operands) {
		l.report("remove", sc, l.all(o.Operands)...)
	}
}

func (l *linter) checkRemove(c command.Call, sc scope) {
	o := command.ParseOptions(c.Args, "")
	if !o.Has("-f", "--force", "-i", "-I", "--interactive") && l.removesUnknown(o.Operands) {
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

// checkIntoFolder reports links, copies and moves to a place that, the second time, is a
// folder: they then go into it.
func (l *linter) checkIntoFolder(c command.Call, sc scope) {
	o := command.ParseOptions(c.Args, "-t --target-directory -S --suffix")
	if len(o.Operands) != 2 || o.Has("-t", "--target-directory", "-T", "--no-target-directory", "-n", "--no-dereference") {
		return
	}
	from, to := o.Operands[0], o.Operands[1]
	place := l.absolute(to)
	if strings.HasSuffix(to, "/") || isFolderOfSystem(place) || l.isFresh(place, sc) || slices.Contains(l.folders, place) || strings.ContainsAny(path.Base(from), "*?[") {
		return
	}
	switch {
	case c.Is("ln") && o.Has("-s", "--symbolic") && o.Has("-f", "--force") && l.isFolder(from, to),
		c.Is("cp") && o.Has("-r", "-R", "-a", "--recursive", "--archive") && l.isCopyOfFolder(from, to),
		c.Is("mv") && slices.Contains(l.folders, l.absolute(from)):
		l.report("into-folder", sc, place)
	}
}

// isFolder reports whether the target of a link is a folder, by its name and that of the
// link: files have a suffix, are programs, or have one of the names of configuration files.
func (l *linter) isFolder(from, to string) bool {
	if slices.Contains(l.folders, l.absolute(from)) || strings.HasSuffix(from, "/") {
		return true
	}
	target, link := path.Base(from), path.Base(to)
	for _, p := range []string{from, to} {
		if slices.ContainsFunc(strings.Split(path.Dir(p), "/"), func(d string) bool {
			return command.In("bin sbin libexec zoneinfo applications systemd run dev proc alternatives lib lib64", d)
		}) || strings.ContainsAny(path.Base(p), "$*") {
			return false
		}
	}
	return strings.Contains(from, "/") && isFolderName(target) && isFolderName(link)
}

// isFolderName reports whether a name looks like that of a folder.
func isFolderName(name string) bool {
	bare := strings.TrimPrefix(name, ".")
	if strings.HasSuffix(name, ".d") || slices.Contains([]string{"vim", "zsh", "config", "ssh", "fonts", "themes", "icons", "local", "oh-my-zsh", "emacs.d", "tmux"}, bare) {
		return true
	}
	if bare != name || strings.Contains(name, ".") || strings.ToUpper(name) == name {
		return false
	}
	for _, end := range []string{"rc", "profile", "ignore", "aliases", "env", "config", "conf", "_history", "shrc", "file"} {
		if strings.HasSuffix(name, end) {
			return false
		}
	}
	return true
}

// isCopyOfFolder reports whether a recursive copy makes a folder that has the name of the
// one copied.
func (l *linter) isCopyOfFolder(from, to string) bool {
	name := path.Base(strings.TrimSuffix(from, "/"))
	if strings.HasSuffix(from, "/.") || !slices.Contains(l.folders, l.absolute(from)) && strings.TrimPrefix(name, ".") != strings.TrimPrefix(path.Base(to), ".") {
		return false
	}
	return isFolderName(name) || slices.Contains(l.folders, l.absolute(from))
}

// isFolderOfSystem reports whether a path is a folder that exists in every container.
func isFolderOfSystem(p string) bool {
	switch p {
	case "$HOME", "$HOME/.config", "$HOME/.local", "$HOME/.local/share", "$HOME/.local/bin", "$HOME/.cache", "/", "/etc", "/opt", "/usr", "/tmp", "/var", "/root", "/srv",
		"/usr/local", "/usr/share", "/usr/local/share", "/usr/local/bin", "/usr/bin", "/usr/lib", ".", "..":
		return true
	}
	return false
}

// A creator is a command that fails if what it creates exists.
type creator struct {
	names  string
	words  string // among its arguments, in this order; empty: none is needed
	unless string // options with which it succeeds
}

var creators = []creator{
	{"podman docker nerdctl", "network create", "--ignore"},
	{"podman nerdctl", "volume create", "--ignore"},
	{"podman docker", "pod create", "--replace"},
	{"podman docker nerdctl", "run --name", "--rm --replace"},
	{"podman docker nerdctl", "create --name", "--rm --replace"},
	{"toolbox distrobox distrobox-create", "create", "--help"},
	{"kind k3d", "create", ""},
	{"createdb createuser initdb", "", "--help"},
	{"tmux", "new-session -s", "-A -As"},
	{"tmux", "new -s", "-A -As"},
	{"dnf dnf5", "config-manager addrepo", "--overwrite --add-or-replace"},
	{"dbus-daemon", "--system", ""},
	{"umount", "", "-q --quiet -l"},
	{"patch", "", "--dry-run --help --version"},
	{"git", "am", "--abort --continue"},
	{"git", "commit", "--allow-empty --dry-run"},
	{"git", "apply", "--check --stat"},
	{"git", "worktree add", "-f --force"},
	{"git", "submodule add", "-f --force"},
	{"git", "checkout -b", ""},
	{"git", "switch -c", ""},
	{"hg svnadmin", "clone create", ""},
	{"gh", "repo clone", ""},
	{"gh", "repo create", ""},
	{"npx bunx pnpx", "degit", "--force -f"},
	{"degit", "", "--force -f"},
	{"cargo rails hugo ng mix dotnet", "new", "--force"},
	{"cargo uv", "init", ""},
	{"go", "mod init", ""},
	{"django-admin", "startproject", ""},
	{"conda mamba micromamba", "env create", "--force --yes -y"},
	{"rpm", "-i", "--replacepkgs --force"},
	{"rpm", "-ivh", "--replacepkgs --force"},
	{"age-keygen", "-o", ""},
	{"ip", "link add", ""},
	{"ip", "addr add", ""},
	{"virsh", "net-create", ""},
}

// checkOnce reports commands that fail once what they create exists.
func (l *linter) checkOnce(c command.Call, sc scope) {
	for _, k := range creators {
		if command.In(k.names, c.Name) && hasInOrder(c.Args, strings.Fields(k.words)) && !hasAny(c.Args, k.unless) {
			if command.In(runtimes, c.Name) && isNameless(c) {
				continue // checkAnother reports it
			}
			l.reportNamed("once", sc, operandsOf(c)...)
			return
		}
	}
	if !command.In(databases, c.Name) {
		return
	}
	if sql := strings.ToLower(strings.Join(c.Args, " ")); createsInSQL().MatchString(sql) && !strings.Contains(sql, "if not exists") && !strings.Contains(sql, "or replace") {
		l.reportNamed("once", sc, operandsOf(c)...)
	}
}

var (
	createsInSQL = lazy(`create\s+(unique\s+)?(table|index|database|user|role|view|schema)`)
	insertsInSQL = lazy(`insert\s+into`)
)

// operandsOf returns the arguments of a command that are no options.
func operandsOf(c command.Call) []string {
	return slices.DeleteFunc(slices.Clone(c.Args), func(a string) bool { return strings.HasPrefix(a, "-") })
}

// hasInOrder reports whether args has all the words in their order.
func hasInOrder(args, words []string) bool {
	for _, a := range args {
		if len(words) > 0 && (a == words[0] || strings.HasPrefix(words[0], "-") && strings.HasPrefix(a, words[0]+"=") || isShort(words[0]) && isCluster(a, words[0][1:])) {
			words = words[1:]
		}
	}
	return len(words) == 0
}

func isShort(option string) bool { return len(option) == 2 && option[0] == '-' }

// hasAny reports whether args has one of the words, which have blanks between them.
func hasAny(args []string, words string) bool {
	return slices.ContainsFunc(args, func(a string) bool { return command.In(words, a) })
}

// isNameless reports whether a container, or a volume, gets a name by chance.
func isNameless(c command.Call) bool {
	o := command.ParseOptions(c.Args, "--name -v --volume -p --publish -e --env --network --label -l --driver")
	switch {
	case slices.Contains(c.Args, "run"), slices.Contains(c.Args, "create") && len(o.Operands) > 0 && o.Operands[0] == "create":
		return !o.Has("--name")
	case slices.Contains(c.Args, "volume"):
		return len(o.Operands) == 2 && o.Operands[1] == "create"
	}
	return false
}

// checkAnother reports commands that make one more of something, without a name.
func (l *linter) checkAnother(c command.Call, sc scope) {
	another := false
	switch {
	case c.Is("cp", "mv", "ln", "install"):
		another = hasAny(command.ParseOptions(c.Args, "").Values("--backup"), "numbered t")
	case c.Is("git"):
		another = slices.Contains(c.Args, "commit") && slices.Contains(c.Args, "--allow-empty")
	case command.In(runtimes, c.Name):
		detached := hasAny(c.Args, "-d --detach create")
		another = detached && !slices.Contains(c.Args, "--rm") && isNameless(c)
	case c.Is("tmux"):
		another = hasInOrder(c.Args, []string{"new-session", "-d"}) && !hasInOrder(c.Args, []string{"-s"})
	case c.Is("gpg", "gpg2"):
		another = hasAny(c.Args, "--gen-key --generate-key --quick-gen-key --quick-generate-key --full-generate-key")
	case c.Is("nmcli"):
		another = hasInOrder(c.Args, []string{"con", "add"}) || hasInOrder(c.Args, []string{"connection", "add"})
	case c.Is("iptables", "ip6tables"):
		another = hasAny(c.Args, "-A -I --append --insert")
	case command.In(databases, c.Name):
		another = insertsInSQL().MatchString(strings.ToLower(strings.Join(c.Args, " ")))
	}
	if another {
		l.reportNamed("another", sc, operandsOf(c)...)
	}
}
