package flatpak

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"bkt/internal/manifest"
	"bkt/internal/plan"
)

// renames returns the renames that matter for known overrides and those in files, and the
// errors of apps, see [readRenames]. It reads the installed apps only if an override is of an
// app that is not installed. Renames of one installation count in all: an override of the
// user can be for an app of the system.
func (o Overrides) renames(known []manifest.FlatpakOverride) (renames, map[string]error) {
	var ids []string
	for _, k := range known {
		ids = append(ids, k.App)
	}
	for _, scope := range o.scopes() {
		files, _ := names(filepath.Join(o.dir(scope), overridesFolder)) // an error is unread
		ids = append(ids, files...)
	}
	if !slices.ContainsFunc(ids, o.mayBeRenamed) {
		return nil, nil
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

// readRenames returns the renames of all apps in the folders of installations. It also
// returns the errors of the apps that cannot be read, by id; "" has that of apps whose ids
// are unknown.
func readRenames(folders []string, arch string) (found renames, unread map[string]error) {
	var in inventory
	unread = map[string]error{}
	for _, dir := range folders {
		if err := in.read("", dir, arch, appKind); err != nil {
			unread[""] = err
		}
	}
	for _, d := range in.all {
		if d.err != nil {
			unread[d.ID] = d.err
		}
	}
	return in.renames(func(manifest.Scope) bool { return true }), unread
}

// hideUnknown hides known overrides without a file whose apps cannot be read: flatpak may
// have left the file under a former id.
func (u *unread) hideUnknown(known, items []manifest.FlatpakOverride, apps map[string]error) {
	for _, k := range known {
		err := cmp.Or(apps[k.App], apps[""])
		if err != nil && k.App != manifest.Global && indexOf(items, k) < 0 && !u.hides(k.Scope, k.Key()) {
			u.addItem(k.Key(), err)
		}
	}
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
	return err == nil || indexOf(known, now) >= 0
}

// newIDs finds the ids that an app has on the system when a plan is executed: an app that
// the same plan has installed may have another one than the manifest says.
type newIDs struct {
	folders []string // of the installations
	arch    string
	id      string
}

// Names implements [plan.Aliases]. If the app cannot be read, the next plan writes the
// override under its new id.
func (n newIDs) Names() []string {
	found, _ := readRenames(n.folders, n.arch)
	if id, ok := found[n.id]; ok {
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
