package flatpak

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"bkt/internal/manifest"
	"bkt/internal/plan"
)

// renames returns the renames that matter for known overrides and those in files. It reads
// the installed apps only if an override is of an app that is not installed. Renames of one
// installation count in all: an override of the user can be for an app of the system.
func (o Overrides) renames(known []manifest.FlatpakOverride) renames {
	var ids []string
	for _, k := range known {
		ids = append(ids, k.App)
	}
	for _, scope := range o.scopes() {
		files, _ := names(filepath.Join(o.dir(scope), overridesFolder)) // an error is unread
		ids = append(ids, files...)
	}
	if !slices.ContainsFunc(ids, o.mayBeRenamed) {
		return nil
	}
	return readRenames(o.folders(), o.Arch)
}

// folders returns the folders of all installations.
func (o Overrides) folders() []string {
	var all []string
	for _, scope := range o.scopes() {
		all = append(all, o.dir(scope))
	}
	return all
}

// readRenames returns the renames of all apps in the folders of installations. The domain
// of apps names what cannot be read.
func readRenames(folders []string, arch string) renames {
	var in inventory
	for _, dir := range folders {
		_ = in.read("", dir, arch)
	}
	return in.renames(func(manifest.Scope) bool { return true })
}

// mayBeRenamed reports whether no app with an id is installed.
func (o Overrides) mayBeRenamed(id string) bool {
	return id != manifest.Global && !slices.ContainsFunc(o.scopes(), func(scope manifest.Scope) bool {
		_, err := os.Lstat(filepath.Join(o.dir(scope), appKind, id))
		return !errors.Is(err, fs.ErrNotExist)
	})
}

// follow returns overrides under the new ids of their apps.
func (r renames) follow(all []manifest.FlatpakOverride) []manifest.FlatpakOverride {
	all = slices.Clone(all)
	for n := range all {
		all[n], _ = r.renamedOverride(all[n])
	}
	return all
}

// renamedOverride returns a declared override under the new id of its app.
func (r renames) renamedOverride(x manifest.FlatpakOverride) (manifest.FlatpakOverride, bool) {
	id, ok := r[x.App]
	if ok {
		x.App = id
	}
	return x, ok
}

// isDecided reports whether the override of an app is known under its new id, in a file or
// in known, which has new ids only.
func (o Overrides) isDecided(id string, scope manifest.Scope, known []manifest.FlatpakOverride) bool {
	now := manifest.FlatpakOverride{App: id, Scope: scope}
	_, err := os.Lstat(o.path(now))
	return err == nil || slices.ContainsFunc(known, func(k manifest.FlatpakOverride) bool { return k.Key() == now.Key() })
}

// newIDs finds the ids that an app has on the system when a plan is executed: an app that
// the same plan has installed may have another one than the manifest says.
type newIDs struct {
	folders []string // of the installations
	arch    string
	id      string
}

// Names implements [plan.Aliases].
func (n newIDs) Names() []string {
	if id, ok := readRenames(n.folders, n.arch)[n.id]; ok {
		return []string{id}
	}
	return nil
}

// aliases returns the further names of a new override's file, nil if its app is installed.
func (o Overrides) aliases(x manifest.FlatpakOverride) plan.Aliases {
	if o.further == nil || !o.mayBeRenamed(x.App) {
		return nil
	}
	return newIDs{o.folders(), o.Arch, x.App}
}
