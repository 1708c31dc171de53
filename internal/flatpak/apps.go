package flatpak

import (
	"context"

	"bkt/internal/keyfile"
	"bkt/internal/manifest"
	"bkt/internal/reconcile"
)

// Apps is the domain of applications, and of runtimes that someone wants for their own
// sake. Their permissions are in the same manifest, but another domain.
type Apps struct {
	Installations
	Arch string // Flatpak's name of this machine's architecture, such as "x86_64"

	masked map[manifest.Scope][]string // the masks of each observed installation
}

// Observe returns the apps for this machine's architecture, and the runtimes that are
// pinned or came from a bundle. flatpak pins a runtime that a user installs, and none that
// an app needs.
func (a Apps) Observe(_ context.Context, _ reconcile.System, known []manifest.FlatpakApp) (reconcile.Snapshot[manifest.FlatpakApp], error) {
	a.Installations, a.masked = a.read(), map[manifest.Scope][]string{}
	var in inventory
	unread, err := a.each(repository, func(scope manifest.Scope, dir string, u *unread) error {
		config, err := readConfig(dir)
		if err != nil {
			return err
		}
		err = in.read(scope, dir, a.Arch, appKind, runtimeKind)
		in.add(scope, config)
		a.masked[scope] = patterns(config, maskedKey)
		return err
	})
	if err != nil {
		return reconcile.Snapshot[manifest.FlatpakApp]{}, err
	}
	o := observed{Apps: a, inventory: in, renames: in.renamesByScope(), needs: needsOf(in.all), known: known}
	for _, d := range in.all {
		o.add(d, unread)
	}
	return reconcile.Snapshot[manifest.FlatpakApp]{
		Items:    o.items,
		Plan:     o.plan,
		Identity: func(x manifest.FlatpakApp) string { return a.identity(repository, x.Scope) },
		Hidden:   func(x manifest.FlatpakApp) bool { return unread.hides(x.Scope, x.Key()) },
		Renamed:  o.renamed,
		Notes:    bundleNotes(o.items),
		Unread:   unread.parts,
		LeftOut:  o.leftOut(),
	}, nil
}

// observed are the apps of all installations, and what else the files say of them.
type observed struct {
	Apps
	inventory
	renames map[manifest.Scope]renames
	needs   needs
	known   []manifest.FlatpakApp
	items   []manifest.FlatpakApp
}

// add adds an app, and a runtime that someone wants, or notes that it could not be read.
func (o *observed) add(d deployed, u *unread) {
	switch item := o.withManifestFields(d); {
	case d.err != nil:
		u.addItem(item.Key(), d.err, d.keys(o.known)...)
	case !d.Runtime, d.isPinned(), d.Bundle != "":
		o.items = append(o.items, item)
	}
}

// withManifestFields returns an app in the words of its declaration. It has a commit only
// if it is pinned to that commit.
func (o *observed) withManifestFields(d deployed) manifest.FlatpakApp {
	app, only := d.FlatpakApp, o.isOnly(d)
	k, ok := find(app, only, o.known)
	if !ok && !app.Runtime && isDefault(app, d.config) {
		app.Branch = ""
		k, ok = find(app, only, o.known)
	}
	if !ok {
		k, ok = o.formerly(app)
	}
	if ok {
		app.Branch, app.Hosts, app.Comment = k.Branch, k.Hosts, k.Comment
		if k.Bundle != "" && app.Bundle != "" {
			app.Bundle = k.Bundle // someone may have written where it is
		}
	}
	switch {
	case ok && len(k.Commit) < fullCommit && k.Commit != "":
		app.Commit = k.Commit
	case !isMasked(d):
		app.Commit = ""
	}
	return app
}

// find returns the declaration of an app. A declaration without a branch matches any
// branch, if only this one is installed.
func find(app manifest.FlatpakApp, only bool, known []manifest.FlatpakApp) (manifest.FlatpakApp, bool) {
	var anyBranch *manifest.FlatpakApp
	for _, k := range known {
		switch {
		case k.ID != app.ID || k.Scope != app.Scope || k.Runtime != app.Runtime:
		case k.Branch == app.Branch:
			return k, true
		case k.Branch == "" && only && anyBranch == nil:
			anyBranch = &k
		}
	}
	if anyBranch == nil {
		return manifest.FlatpakApp{}, false
	}
	return *anyBranch, true
}

// defaultBranch is the default branch of most remotes.
const defaultBranch = "stable"

// isDefault reports whether an app has the default branch of its remote.
func isDefault(app manifest.FlatpakApp, config keyfile.File) bool {
	if branch := config.Get(remoteGroup(app.Remote), "xa.default-branch"); branch != "" {
		return app.Branch == branch
	}
	return app.Branch == defaultBranch
}

// Same compares the remotes and the pinned commits of apps, and whether they came from a
// bundle.
func (a Apps) Same(x, y manifest.FlatpakApp) bool {
	return x.Remote == y.Remote && pinnedCommit(x) == pinnedCommit(y) && (x.Bundle == "") == (y.Bundle == "")
}

// Applicable implements [reconcile.Reporter]: only the system knows what came from a
// bundle.
func (a Apps) Applicable(x manifest.FlatpakApp) manifest.FlatpakApp {
	x.Bundle = ""
	return x
}

func pinnedCommit(app manifest.FlatpakApp) string {
	if len(app.Commit) < fullCommit {
		return ""
	}
	return app.Commit
}
