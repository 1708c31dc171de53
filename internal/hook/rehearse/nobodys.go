package rehearse

import (
	"regexp"
	"strings"
	"sync"

	"bkt/internal/paths"
)

// Paths that programs change at each run without a result for anybody, with the reasons.
// A pattern is a path of the container, or one in the home with ~; it also means all
// that is below it. "*" is a part of a name, and "**" any number of folders.
//
// docs/init-hooks.md describes the table.
var nobodysTable = []struct{ reason, patterns string }{
	{"log", "/var/log"},
	{"cache", "/var/cache ~/.cache /etc/ld.so.cache /usr/share/icons/**/icon-theme.cache /usr/share/mime/mime.cache"},
	{"state of the running system", "/run /var/run"},
	{"backup of an account file", "/etc/passwd- /etc/group- /etc/shadow- /etc/gshadow- /etc/subuid- /etc/subgid- /var/backups"},
	{"lock", "/etc/.pwd.lock /var/lib/dpkg/lock /var/lib/dpkg/lock-frontend /var/lib/dpkg/triggers/Lock /lib/apk/db/lock /usr/lib/apk/db/lock /var/lib/pacman/db.lck /var/lib/rpm/.rpm.lock /usr/lib/sysimage/rpm/.rpm.lock /var/lib/apt/lists/lock"},
	{"database of rpm, whose packages are compared by their files", "/usr/lib/sysimage/rpm/rpmdb.sqlite* /var/lib/rpm/rpmdb.sqlite* /var/lib/rpm/Packages* /var/lib/rpm/__db.*"},
	{"history of dnf", "/usr/lib/sysimage/libdnf5/transaction_history.sqlite* /var/lib/dnf/history.sqlite* /var/lib/dnf/repos /var/lib/dnf/*.lock"},
	{"lists and history of apt", "/var/lib/apt/lists /var/lib/apt/periodic /var/lib/apt/daily_lock /var/lib/dpkg/status-old /var/lib/dpkg/available-old /var/lib/dpkg/diversions-old /var/lib/dpkg/statoverride-old"},
	{"index of a package manager", "/var/lib/pacman/sync /var/lib/zypp/RequestedLocales /var/lib/PackageKit"},
	{"side file of a database", "**/*.*-shm **/*.*-wal **/*.*-journal"},
	{"compiled at its use", "**/__pycache__ ~/.zcompdump* ~/.zcompcache /tmp/node-compile-cache"},
	{"log and cache of npm", "~/.npm/_logs ~/.npm/_cacache ~/.npm/_update-notifier-last-checked ~/.node-gyp"},
	{"cache of cargo", "~/.cargo/registry ~/.cargo/git ~/.cargo/.package-cache* ~/.cargo/.global-cache*"},
	{"downloads of rustup", "~/.rustup/downloads ~/.rustup/tmp"},
	{"cache of proto", "~/.proto/cache ~/.proto/temp ~/.proto/backups"},
	{"cache of Go", "~/go/pkg/mod/cache ~/go/pkg/sumdb"},
	{"cache of Java's tools", "~/.gradle/caches ~/.gradle/daemon ~/.gradle/native"},
	{"bookkeeping of git, whose work tree is compared", "**/.git/FETCH_HEAD **/.git/ORIG_HEAD **/.git/COMMIT_EDITMSG **/.git/index **/.git/logs **/.git/objects **/.git/packed-refs **/.git/refs/remotes **/.git/refs/tags **/.git/gc.log **/.git/shallow"},
	{"history of a shell or program", "~/.bash_history ~/.zsh_history ~/.python_history ~/.node_repl_history ~/.lesshst ~/.viminfo ~/.local/share/fish/fish_history ~/.wget-hsts"},
	{"random seed or lock of gpg", "~/.gnupg/random_seed ~/.gnupg/*.lock ~/.gnupg/.#*"},
	{"trash", "~/.local/share/Trash"},
	{"socket or lock of a display", "/tmp/.X11-unix /tmp/.ICE-unix /tmp/.X*-lock"},
}

// A pattern is one of the table.
type pattern struct {
	reason string
	text   string
	regexp *regexp.Regexp // nil: the pattern is one path
}

// patterns has the table. Many paths are looked up in it, in most runs of bkt none.
var patterns = sync.OnceValue(func() (all []pattern) {
	for _, row := range nobodysTable {
		for text := range strings.FieldsSeq(row.patterns) {
			p := pattern{reason: row.reason, text: text}
			if strings.Contains(text, "*") {
				text = strings.NewReplacer(`\*\*/`, `(?:.*/)?`, `\*`, `[^/]*`).Replace(regexp.QuoteMeta(text))
				p.regexp = regexp.MustCompile("(?s)^" + text + "(?:/|$)") // a name can have a newline
			}
			all = append(all, p)
		}
	}
	return all
})

// nobodys returns why a path, with ~ for the home, is no result of hooks. It is not ok if
// it may be one.
func nobodys(name string) (reason string, ok bool) {
	for _, p := range patterns() {
		if p.matches(name) {
			return p.reason, true
		}
	}
	return "", false
}

// matches reports whether a pattern means a path.
func (p pattern) matches(name string) bool {
	if p.regexp != nil {
		return p.regexp.MatchString(name)
	}
	return paths.Within(name, p.text)
}
