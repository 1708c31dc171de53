package flatpak

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"bkt/internal/keyfile"
	"bkt/internal/manifest"
	"bkt/internal/plan"
)

// The lists of patterns in the group core of an installation's configuration.
const (
	coreGroup = "core"
	maskedKey = "xa.masked"
	pinnedKey = "xa.pinned"
)

// patterns returns a list of patterns of an installation.
func patterns(config keyfile.File, key string) []string {
	return slices.DeleteFunc(keyfile.SplitList(config.Raw(coreGroup, key)), func(p string) bool { return p == "" })
}

// editPatterns returns the step by which flatpak's command "mask" or "pin" adds patterns to
// the list that is called like it or, with --remove, removes them.
func editPatterns(command string, scope manifest.Scope, patterns []string, options ...string) plan.Step {
	argv := append([]string{"flatpak", command, option(scope)}, options...)
	return plan.Run{Argv: append(argv, patterns...)}
}

// isMasked reports whether a mask excludes an app or a runtime from updates.
func isMasked(d deployed) bool {
	return matchesAny(patterns(d.config, maskedKey), d.FlatpakApp, d.arch)
}

// isPinned reports whether a pin keeps a runtime that nothing needs.
func (d deployed) isPinned() bool {
	return matchesAny(patterns(d.config, pinnedKey), d.FlatpakApp, d.arch)
}

func matchesAny(patterns []string, app manifest.FlatpakApp, arch string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, kindOf(app), app.ID, arch, app.Branch) })
}

// The first parts of refs.
const (
	appKind     = "app"
	runtimeKind = "runtime"
)

func kindOf(app manifest.FlatpakApp) string {
	if app.Runtime {
		return runtimeKind
	}
	return appKind
}

// matches reports whether a pattern of flatpak mask or flatpak pin matches a ref of a kind:
// parts of its name, where *, an empty part and a missing part match any text. A pattern
// without a kind matches both kinds.
func matches(pattern, kind string, parts ...string) bool {
	pattern = strings.TrimPrefix(pattern, kind+"/")
	if pattern == "" || strings.HasPrefix(pattern, appKind+"/") || strings.HasPrefix(pattern, runtimeKind+"/") {
		return false
	}
	for i, glob := range strings.Split(pattern, "/") {
		if i == len(parts) {
			return false
		}
		if ok, err := path.Match(cmp.Or(glob, "*"), parts[i]); !ok || err != nil {
			return false
		}
	}
	return true
}
