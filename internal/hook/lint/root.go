package lint

import (
	"slices"
	"strings"

	"bkt/internal/hook/command"
)

// rootCommands are commands that need root, with the words that make them.
var rootCommands = []struct{ names, words string }{
	{"dnf dnf5 dnf4 yum microdnf", "install remove erase upgrade update swap reinstall downgrade distro-sync autoremove groupinstall copr config-manager clean makecache"},
	{"apt apt-get aptitude", "install remove purge update upgrade dist-upgrade full-upgrade autoremove reinstall clean"},
	{"zypper", "install in remove rm update up dup refresh ref addrepo ar"},
	{"pacman", "-S -Sy -Syu -Syyu -R -Rs -Rns -U"},
	{"apk", "add del update upgrade"},
	{"rpm", "-i -U -ivh -Uvh --import --erase -e"},
	{"dpkg", "-i --install -r -P --add-architecture --configure"},
	{"update-alternatives alternatives", "--install --set --remove --auto --config"},
	{"useradd userdel usermod groupadd groupdel groupmod adduser addgroup ldconfig locale-gen dpkg-reconfigure visudo add-apt-repository update-ca-certificates update-ca-trust depmod dconf-update", ""},
}

// checkNeedsRoot reports commands that need root, in a hook that runs as the user.
func (l *linter) checkNeedsRoot(c command.Call, sc scope) {
	if sc.elevated || l.asksForUser() {
		return
	}
	if isForRoot(c) || slices.ContainsFunc(l.all(l.changed(c)), needsRoot) {
		l.report("needs-root", sc)
	}
}

// isForRoot reports whether a command needs root whatever its files are.
func isForRoot(c command.Call) bool {
	if c.Is("systemctl") {
		return !hasAny(c.Args, "--user --global") && hasAny(c.Args, "enable disable start stop restart mask unmask daemon-reload")
	}
	for _, r := range rootCommands {
		if command.In(r.names, c.Name) && (r.words == "" || hasAny(c.Args, r.words)) {
			return true
		}
	}
	return false
}

// changed returns the files that a command makes, changes or removes.
func (l *linter) changed(c command.Call) []string {
	switch c.Name {
	case "ln", "cp", "install", "mv":
		if files := command.ParseOptions(c.Args, writeValued).Operands; len(files) > 1 {
			return files[len(files)-1:]
		}
	case "mkdir", "touch", "tee", "rm", "rmdir":
		return command.ParseOptions(c.Args, writeValued).Operands
	case "sed":
		if s, ok := l.sed(c); ok {
			return s.files
		}
	}
	return nil
}

// checkNeedsRootAt reports a redirection to a file that only root writes.
func (l *linter) checkNeedsRootAt(target string, sc scope) {
	if !sc.elevated && needsRoot(target) && !l.asksForUser() {
		l.report("needs-root", sc)
	}
}

// asksForUser reports whether the hook itself looks at its user.
func (l *linter) asksForUser() bool {
	return l.depth == 0 && (strings.Contains(l.script, "id -u") || strings.Contains(l.script, "EUID"))
}

// needsRoot reports whether only root writes a file.
func needsRoot(p string) bool {
	return withinAny(p, "/usr", "/etc", "/opt", "/bin", "/sbin", "/lib", "/lib64", "/var", "/root", "/srv") && !withinAny(p, "/var/tmp", "/var/home")
}
