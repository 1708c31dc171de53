package main

import _ "embed"

// The programs of toolchains that keep state in a home, as the real ones do.
var (
	//go:embed rustup.sh
	rustup string
	//go:embed proto.sh
	proto string
)

// A pkg is one package of the repository.
type pkg struct {
	name      string
	version   string
	requires  []string
	provides  []string
	conflicts []string
	program   string // its text; empty: it prints the name and the version
	opt       string // folder below /opt that it has a program in
	unit      string // text of a systemd service of its name
	pre       string // script that rpm runs before it unpacks the package
	post      string // script that rpm runs afterwards
	// kib is the size of its data, which does not compress. The sizes of the
	// large ones are such that the time of a download can be seen.
	kib int
}

// stock has the packages that are there whatever the manifests say: some to
// add in tests and demos, and the dependencies that make a resolver work.
// gcc-plugin-devel cannot be installed, as nothing provides what it requires,
// pre-fails and post-fails have scripts that fail, and conflict-a and conflict-b
// cannot both be installed.
var stock = []pkg{
	{name: "account", version: "1.0", pre: addAccount, post: startAtBoot, unit: service},
	{name: "binutils", version: "2.45", kib: 1500},
	{name: "conflict-a", version: "1.0"},
	{name: "conflict-b", version: "1.0", conflicts: []string{"conflict-a"}},
	{name: "cpp", version: "15.2.1", kib: 2500},
	{name: "gcc", version: "15.2.1", kib: 4000, requires: []string{"cpp = 15.2.1", "binutils >= 2.31", "glibc-devel", "make"}},
	{name: "gcc-plugin-devel", version: "14.0.0", requires: []string{"gcc = 14.0.0"}},
	{name: "gdb", version: "16.3", kib: 600, requires: []string{"python3-libs >= 3.14"}},
	{name: "git", version: "2.51.0", kib: 100, requires: []string{"git-core = 2.51.0", "perl-Git = 2.51.0"}},
	{name: "git-core", version: "2.51.0", kib: 4000, requires: []string{"less"}},
	{name: "glibc-devel", version: "2.42", kib: 800},
	{name: "hello", version: "2.12.2"},
	{name: "jq", version: "1.7.1", kib: 200, requires: []string{"oniguruma >= 6.9"}},
	{name: "less", version: "679"},
	{name: "libtermkey", version: "0.22"},
	{name: "lua", version: "5.4.8", kib: 200},
	{name: "make", version: "4.4.1", kib: 300},
	{name: "neovim", version: "0.11.4", kib: 3000, requires: []string{"lua >= 5.1", "libtermkey"}},
	{name: "oniguruma", version: "6.9.10"},
	{name: "passt", version: "0.20250919"},
	{name: "perl-Git", version: "2.51.0", requires: []string{"git-core = 2.51.0"}},
	{name: "post-fails", version: "1.0", post: refuse},
	{name: "post-works", version: "1.0", post: "echo post-works is set up\necho set up >/usr/share/doc/post-works/done\n"},
	{name: "pre-fails", version: "1.0", pre: refuse},
	{name: "proto", version: "0.50.0", program: proto},
	{name: "python3-libs", version: "3.14.0", kib: 900},
	{name: "python3-requests", version: "2.32.5", provides: []string{"python3dist(requests) = 2.32.5"}},
	{name: "ripgrep", version: "14.1.1", kib: 500},
	{name: "runc", version: "1.3.3", kib: 3000},
	{name: "rustup", version: "1.28.2", program: rustup},
	{name: "shadow-utils", version: "4.18.0"},
	{name: "vim-common", version: "9.1.1818", kib: 700},
	{name: "vim-enhanced", version: "9.1.1818", kib: 400, requires: []string{"vim-common = 9.1.1818"}},
	{name: "zoxide", version: "0.9.8"},
}

// The scripts of packages, as Fedora's call what systems have: useradd, systemctl.
const (
	addAccount  = "getent passwd account >/dev/null || useradd -r -M -s /usr/sbin/nologin account\n"
	startAtBoot = "systemctl --no-reload preset account.service\n"
	refuse      = "echo 'the licence is not accepted' >&2\nexit 3\n"
)

// service is a unit that runs as the user whom its package makes.
const service = "[Service]\nUser=account\nExecStart=/usr/bin/account\n[Install]\nWantedBy=multi-user.target\n"

// tools are the packages of the group development-tools.
var tools = []string{"gcc", "gdb", "git", "make"}

// external has the packages of a repository of others, whose packages are
// signed.
var external = []pkg{
	{name: "needs-dep", version: "2.0", requires: []string{"vendor-dep >= 2"}},
	{name: "vendor-app", version: "3.1", opt: "vendor/app"},
	{name: "vendor-dep", version: "2.0"},
	{name: "vendor-tool", version: "1.2", requires: []string{"less"}},
	{name: "copr-tool", version: "0.9"},
	// The distribution has a newer package of this name.
	{name: "hello", version: "1.0"},
	// It needs packages of the same repository and of the distribution. Both have
	// zoxide, and libtermkey in different versions.
	{name: "vendor-suite", version: "2.0", requires: []string{"vendor-lib", "libtermkey >= 9", "zoxide", "less"}},
	{name: "vendor-lib", version: "2.0"},
	{name: "libtermkey", version: "9.0"},
	{name: "zoxide", version: "99"},
	{name: "unwanted", version: "9.9", provides: []string{"jq = 99"}},
}

// unsigned has the packages of the same repository that lack a signature.
var unsigned = []pkg{
	{name: "unsigned-tool", version: "1.0"},
}
