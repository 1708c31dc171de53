package lint

import "bkt/internal/hook/command"

// A check is a check of a single command. Redirections and pipes are checked where they are
// walked.
type check struct {
	names string // of the commands that it is about; empty: all
	run   func(*linter, command.Call, scope)
}

const (
	runtimes  = "podman docker nerdctl"
	databases = "sqlite3 psql mysql mariadb"
)

var checks = []check{
	{"tee sponge", (*linter).checkTee},
	{"sed perl", (*linter).checkSed},
	{"mv cp install", (*linter).checkGrown},
	{"dd tar ed ex", (*linter).checkAppender},
	{"git", (*linter).checkGitConfig},
	{"cp mv ln install git tmux gpg gpg2 nmcli iptables ip6tables " + runtimes + " " + databases, (*linter).checkAnother},
	{"mkdir", (*linter).checkMkdir},
	{"ln", (*linter).checkLink},
	{"ln cp mv", (*linter).checkIntoFolder},
	{"mkfifo mknod", (*linter).checkSpecialFile},
	{"useradd adduser groupadd addgroup", (*linter).checkAccount},
	{"flatpak git", (*linter).checkRemote},
	{"git", (*linter).checkClone},
	{"mv", (*linter).checkMove},
	{"gunzip bunzip2 unxz unzstd gzip bzip2 xz unlzma", (*linter).checkConsumed},
	{"rm rmdir unlink", (*linter).checkRemove},
	{"", (*linter).checkOnce},
	{"", (*linter).checkPrompt},
	{"unzip 7z 7za 7zz ssh-keygen gpg gpg2 cp mv", (*linter).checkOverwrite},
	{"cp mv touch mkdir ln install tar tee", (*linter).checkVaryingName},
	{"sed perl git gsettings dconf install cp dd openssl", (*linter).checkVaryingValue},
	{"mktemp", (*linter).checkTemporaryFile},
	{"curl", (*linter).checkCurl},
	{"wget", (*linter).checkWget},
	{"aria2c", (*linter).checkAria2c},
	{"scp rsync", (*linter).checkRemoteCopy},
	{"", (*linter).checkForeignScript},
	{"", (*linter).checkDownloadedScript},
	{"", (*linter).checkPinnedVersion},
	{"", (*linter).checkNeedsRoot},
}
