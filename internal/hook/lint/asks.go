package lint

import (
	"slices"
	"strings"

	"bkt/internal/hook/command"
)

// A manager is a program that asks for confirmation, such as a package manager.
type manager struct {
	names    string
	commands string // that ask; empty: all do
	quiet    string // options that prevent the question
}

var managers = []manager{
	{"dnf dnf5 dnf4 yum microdnf", "install remove erase upgrade update swap reinstall downgrade distro-sync autoremove group groupinstall copr", "-y --assumeyes --assumeno"},
	{"apt apt-get aptitude", "install remove purge upgrade dist-upgrade full-upgrade autoremove reinstall", "-y --yes --assume-yes -qq"},
	{"zypper", "install in remove rm update up dist-upgrade dup", "-y --no-confirm -n --non-interactive"},
	{"pacman yay paru", "-S -Sy -Syu -Syyu -R -Rs -Rns -U", "--noconfirm"},
	{"add-apt-repository", "", "-y --yes"},
	{"flatpak", "install uninstall update", "-y --assumeyes --noninteractive"},
	{"unzip", "", "-o -n -u -f -l -t -p -qo -oq -qq -qqo -d"},
}

func (l *linter) checkPrompt(c command.Call, sc scope) {
	if sc.readsPipe {
		return
	}
	for _, m := range managers {
		if slices.Contains(strings.Fields(m.names), c.Name) && m.asks(c.Args) {
			l.report("asks", sc)
		}
	}
}

// asks reports whether the manager asks about a command with these arguments.
func (m manager) asks(args []string) bool {
	commands, quiet := strings.Fields(m.commands), strings.Fields(m.quiet)
	changes := len(commands) == 0 && len(args) > 0
	for _, arg := range args {
		if slices.Contains(quiet, arg) || strings.Contains(arg, "assumeyes") || isCluster(arg, "y") {
			return false
		}
		if arg == "--help" || arg == "--downloadonly" || arg == "list" || arg == "info" {
			return false
		}
		changes = changes || slices.Contains(commands, arg)
	}
	return changes
}

// isCluster reports whether an argument is several short options with letter among
// them.
func isCluster(arg, letter string) bool {
	return len(arg) > 2 && arg[0] == '-' && arg[1] >= 'a' && arg[1] <= 'z' && strings.Contains(arg, letter)
}
