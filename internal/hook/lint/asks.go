package lint

import (
	"slices"
	"strings"

	"bkt/internal/hook/command"
)

// A manager is a program that asks for confirmation, such as a package manager. Programs
// that ask only at a terminal, such as add-apt-repository, are none: hooks have no terminal.
type manager struct {
	names    string
	commands string // that ask
	quiet    string // options that prevent the question
}

var managers = []manager{
	{"dnf dnf5 dnf4 yum microdnf", "install remove erase upgrade update swap reinstall downgrade distro-sync autoremove group groupinstall copr", "-y --assumeyes --assumeno"},
	{"apt apt-get aptitude", "install remove purge upgrade dist-upgrade full-upgrade autoremove reinstall", "-y --yes --assume-yes -qq"},
	{"zypper", "install in remove rm update up dist-upgrade dup", "-y --no-confirm -n --non-interactive"},
	{"pacman yay paru", "-S -Sy -Syu -Syyu -R -Rs -Rns -U", "--noconfirm"},
	{"makepkg", "-s -i -si -is --install --syncdeps", "--noconfirm"},
	{"flatpak", "install uninstall update", "-y --assumeyes --noninteractive"},
}

func (l *linter) checkPrompt(c command.Call, sc scope) {
	if sc.hasInput {
		return
	}
	if c.Is("read") && !hasAny(c.Args, "-t -u") {
		l.report("asks", sc)
	}
	for _, m := range managers {
		if command.In(m.names, c.Name) && m.asks(c.Args) {
			l.report("asks", sc)
		}
	}
}

// asks reports whether the manager asks about a command with these arguments.
func (m manager) asks(args []string) bool {
	changes := false
	for _, arg := range args {
		if command.In(m.quiet, arg) || strings.Contains(arg, "assumeyes") || isCluster(arg, "y") {
			return false
		}
		if arg == "--help" || arg == "--downloadonly" || arg == "list" || arg == "info" {
			return false
		}
		changes = changes || command.In(m.commands, arg)
	}
	return changes
}

// isCluster reports whether an argument is several short options with letter among
// them.
func isCluster(arg, letter string) bool {
	return len(arg) > 2 && arg[0] == '-' && arg[1] >= 'a' && arg[1] <= 'z' && strings.Contains(arg, letter)
}

// checkOverwrite reports programs that ask whether to overwrite a file, or refuse to.
func (l *linter) checkOverwrite(c command.Call, sc scope) {
	if sc.readsPipe && !c.Is("gpg", "gpg2") {
		return
	}
	files := l.all(asksToOverwrite(c))
	if len(files) == 0 || slices.Contains(files, "-") || l.areFresh(files, sc) {
		return
	}
	kind := creates
	if c.Is("unzip", "7z", "7za", "7zz") {
		kind = populates
	}
	l.reportEffects("overwrite", sc, effectsOn(files, kind)...)
}

// asksToOverwrite returns the files that a program does not overwrite unasked.
func asksToOverwrite(c command.Call) []string {
	o := command.ParseOptions(c.Args, "-d -f -o --output -t -C -N -b -i")
	switch c.Name {
	case "unzip":
		flags := ""
		for _, a := range c.Args {
			if strings.HasPrefix(a, "-") {
				flags += a
			}
		}
		if strings.ContainsAny(flags, "onflptvzZ") || len(o.Operands) == 0 {
			return nil
		}
		if dirs := o.Values("-d"); len(dirs) > 0 {
			return dirs
		}
		return []string{"."}
	case "7z", "7za", "7zz":
		if len(c.Args) > 0 && command.In("x e", c.Args[0]) && !slices.ContainsFunc(c.Args, func(a string) bool { return a == "-y" || strings.HasPrefix(a, "-ao") }) {
			return []string{"."}
		}
	case "ssh-keygen":
		if !hasAny(c.Args, "-R -F -y -l -A -k -p -B -c -e -H -L -Q") {
			return o.Values("-f")
		}
	case "gpg", "gpg2":
		if !slices.Contains(c.Args, "--yes") {
			return o.Values("-o", "--output")
		}
	case "cp", "mv":
		if last := len(o.Operands) - 1; last > 0 && hasAny(c.Args, "-i --interactive") {
			return o.Operands[last:]
		}
	}
	return nil
}
