package autocapture

import (
	"slices"
	"strings"

	"bkt/internal/mergedriver"
)

// isHarmless reports whether a key that a repository's own configuration sets can
// neither run a program nor name another repository, server or file when git commits and
// pushes. Keys that it does not know are not harmless: git gets new ones with each
// version. Section and name are in lower case (git-config(1)).
//
// The merge driver of bkt is harmless with its own command, which it has everywhere.
//
// Allowed is what "git clone", "git init", "git remote" and bkt set, and how people
// configure git's output and their identity.
func isHarmless(key, value string) bool {
	if key == mergedriver.Key {
		return value == mergedriver.Command
	}
	section, rest, _ := strings.Cut(key, ".")
	name := rest[strings.LastIndex(rest, ".")+1:]
	if slices.Contains(harmlessSections, section) {
		return true
	}
	names, ok := harmlessNames[section]
	return ok && slices.Contains(names, name)
}

// harmlessSections are sections of which no key does harm: those that commits and pushes
// do not read are among them.
var harmlessSections = []string{
	"advice", "alias", "am", "apply", "bisect", "bkt", "blame", "branch", "checkout", "clean", "color", "column", "commit",
	"difftool", "extensions", "feature", "fetch", "format", "gitflow", "grep", "gui", "guitool", "help", "i18n", "index",
	"log", "maintenance", "mergetool", "notes", "pack", "pager", "pretty", "pull", "rebase", "repack", "rerere", "sendemail",
	"stash", "status", "svn", "svn-remote", "tag", "user", "versionsort", "worktree",
}

// harmlessNames are the harmless names in the other sections.
var harmlessNames = map[string][]string{
	"core": {
		"abbrev", "autocrlf", "bare", "bigfilethreshold", "checkstat", "commentchar", "commentstring", "commitgraph", "compression",
		"eol", "filemode", "fscache", "fsync", "fsyncmethod", "fsyncobjectfiles", "hidedotfiles", "ignorecase", "logallrefupdates",
		"longpaths", "loosecompression", "multipackindex", "packedgitlimit", "packedgitwindowsize", "precomposeunicode",
		"preloadindex", "protecthfs", "protectntfs", "quotepath", "repositoryformatversion", "safecrlf", "sharedrepository",
		"sparsecheckout", "sparsecheckoutcone", "splitindex", "symlinks", "trustctime", "untrackedcache", "whitespace",
		"askpass", "editor", "fsmonitor", "fsmonitorhookversion", "pager", // auto-capture's git does not use them
	},
	"diff": {"algorithm", "colormoved", "colormovedws", "context", "ignoresubmodules", "indentheuristic", "interhunkcontext", "mnemonicprefix", "noprefix", "renamelimit", "renames", "statgraphwidth", "submodule", "tool", "guitool", "wserrorhighlight"},
	"gc": { // not recentObjectsHook
		"aggressivedepth", "aggressivewindow", "auto", "autodetach", "autopacklimit", "bigpackthreshold", "cruftpacks", "logexpiry",
		"maxcruftsize", "packrefs", "pruneexpire", "reflogexpire", "reflogexpireunreachable", "rerereresolved", "rerereunresolved",
		"worktreepruneexpire", "writecommitgraph",
	},
	"lfs":      {"access", "locksverify", "repositoryformatversion"},
	"merge":    {"conflictstyle", "ff", "log", "name", "renamelimit", "renames", "stat", "tool", "guitool", "verbosity"},
	"protocol": {"version"},
	"push":     {"autosetupremote", "default", "followtags", "gpgsign", "negotiate", "pushoption", "useforceifincludes"},
	"remote": {
		"fetch", "followremotehead", "gh-resolved", "mirror", "partialclonefilter", "promisor", "prune", "prunetags", "push",
		"pushurl", "skipdefaultupdate", "skipfetchall", "tagopt", "url",
	},
	"submodule": {"active", "branch", "fetchrecursesubmodules", "ignore", "update", "url"}, // not recurse, which makes a push run git in them
}
