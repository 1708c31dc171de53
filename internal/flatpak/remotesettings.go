package flatpak

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"bkt/internal/keyfile"
	"bkt/internal/manifest"
	"bkt/internal/reconcile"
)

// defaultPriority is the priority of a remote without one.
const defaultPriority = 1

// isSet follows the name of a key that a user has set. Without it, the value is that of the
// repository or of a .flatpakrepo, which may change it.
const isSet = "-is-set"

// readSettings reads the settings that a user can give a remote.
func readSettings(remote *manifest.FlatpakRemote, config keyfile.File) {
	group := remoteGroup(remote.Name)
	chosen := func(key string) string {
		if config.Get(group, key+isSet) != "true" {
			return ""
		}
		return config.Get(group, key)
	}
	remote.Subset, remote.Title, remote.DefaultBranch = chosen("xa.subset"), chosen("xa.title"), chosen("xa.default-branch")
	remote.NoEnumerate = config.Get(group, "xa.noenumerate") == "true"
	remote.NoUseForDeps = config.Get(group, "xa.nodeps") == "true"
	if n, err := strconv.Atoi(cmp.Or(config.Get(group, "xa.prio"), "1")); err == nil && n != defaultPriority {
		remote.Priority = &n
	}
}

func priority(r manifest.FlatpakRemote) int {
	if r.Priority == nil {
		return defaultPriority
	}
	return *r.Priority
}

func sameSettings(a, b manifest.FlatpakRemote) bool {
	return a.Title == b.Title && priority(a) == priority(b) && a.DefaultBranch == b.DefaultBranch &&
		a.NoEnumerate == b.NoEnumerate && a.NoUseForDeps == b.NoUseForDeps
}

// settingOptions returns the options that give a remote other settings.
func settingOptions(have, want manifest.FlatpakRemote) []string {
	var flags []string
	if want.Title != have.Title {
		flags = append(flags, "--title="+want.Title)
	}
	if priority(want) != priority(have) {
		flags = append(flags, "--prio="+strconv.Itoa(priority(want)))
	}
	if want.DefaultBranch != have.DefaultBranch {
		flags = append(flags, "--default-branch="+want.DefaultBranch)
	}
	if want.NoEnumerate != have.NoEnumerate {
		flags = append(flags, map[bool]string{true: "--no-enumerate", false: "--enumerate"}[want.NoEnumerate])
	}
	if want.NoUseForDeps != have.NoUseForDeps {
		flags = append(flags, map[bool]string{true: "--no-use-for-deps", false: "--use-for-deps"}[want.NoUseForDeps])
	}
	return flags
}

// readKeys are the keys of remotes that bkt reads, and those that only flatpak writes.
var readKeys = []string{
	"url", "gpg-verify", "gpg-verify-summary", "xa.disable", "xa.filter", "xa.subset", "xa.title", "xa.default-branch",
	"xa.noenumerate", "xa.nodeps", "xa.prio", "xa.main-ref", "xa.oci", "xa.gpg-keys",
}

// repositoryKeys are keys whose values repositories have, unless a user has set them.
var repositoryKeys = []string{
	"collection-id", "xa.collection-id", "xa.comment", "xa.description", "xa.homepage", "xa.icon", "xa.redirect-url",
	"xa.authenticator-name", "xa.authenticator-options", "xa.authenticator-install", "xa.signature-lookaside",
}

// otherSettings returns the settings of a remote that manifests do not have.
func otherSettings(remote string, g keyfile.Group) []reconcile.LeftOut {
	var all []reconcile.LeftOut
	for _, e := range g.Entries {
		isUsers := slices.Contains(g.Entries, keyfile.Entry{Key: e.Key + isSet, Value: "true"})
		switch {
		case e.Value == "", strings.HasSuffix(e.Key, isSet), slices.Contains(readKeys, e.Key):
		case slices.Contains(repositoryKeys, e.Key) && !isUsers:
		default:
			all = append(all, reconcile.LeftOut{Reason: "settings of remotes that manifests do not have", What: remote + " " + e.Key})
		}
	}
	return all
}
