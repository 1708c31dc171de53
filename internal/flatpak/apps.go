package flatpak

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/keyfile"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// Apps is the domain of applications. Their permissions are in the same manifest, but
// another domain.
type Apps struct {
	Installations
	Arch string // Flatpak's name of this machine's architecture, such as "x86_64"
}

// fullCommit is the length of a commit. A shorter commit, such as one from the output of
// "flatpak list", cannot be pinned: it is kept and ignored.
const fullCommit = 64

// Observe returns the apps for this machine's architecture.
func (a Apps) Observe(_ context.Context, _ reconcile.System, known []manifest.FlatpakApp) (reconcile.Snapshot[manifest.FlatpakApp], error) {
	var items []manifest.FlatpakApp
	unread, err := a.each(repository, func(scope manifest.Scope, dir string, u *unread) error {
		config, err := readConfig(dir)
		if err != nil {
			return err
		}
		apps, err := a.read(scope, dir)
		for _, app := range apps {
			item := a.withManifestFields(app.FlatpakApp, appsOf(apps), known, config)
			if app.err != nil {
				u.addItem(item.Key(), app.err, app.keys(known)...)
				continue
			}
			items = append(items, item)
		}
		return err
	})
	if err != nil {
		return reconcile.Snapshot[manifest.FlatpakApp]{}, err
	}
	identity := func(x manifest.FlatpakApp) string { return a.identity(repository, x.Scope) }
	hidden := func(x manifest.FlatpakApp) bool { return unread.hides(x.Scope, x.Key()) }
	return reconcile.Snapshot[manifest.FlatpakApp]{Items: items, Plan: a.Plan, Identity: identity, Hidden: hidden, Unread: unread.parts}, nil
}

// A deployed is an app in the files of an installation, or the error of these files.
type deployed struct {
	manifest.FlatpakApp
	err error
}

// keys returns the key of the app with its branch. If that is unknown, they are all keys
// under which known apps have its id.
func (d deployed) keys(known []manifest.FlatpakApp) []string {
	keys := []string{d.Key()}
	for _, k := range known {
		if d.Branch == "" && k.ID == d.ID && k.Scope == d.Scope {
			keys = append(keys, k.Key())
		}
	}
	return keys
}

func appsOf(all []deployed) []manifest.FlatpakApp {
	var apps []manifest.FlatpakApp
	for _, d := range all {
		apps = append(apps, d.FlatpakApp)
	}
	return apps
}

// read returns the apps of an installation, each with its branch and commit. If the
// branches of an app cannot be read, it has none.
func (a Apps) read(scope manifest.Scope, dir string) ([]deployed, error) {
	ids, err := names(filepath.Join(dir, "app"))
	var apps []deployed
	for _, id := range ids {
		branches, errBranches := names(filepath.Join(dir, "app", id, a.Arch))
		if errBranches != nil {
			apps = append(apps, deployed{manifest.FlatpakApp{ID: id, Scope: scope}, errBranches})
		}
		for _, branch := range branches {
			app, there, errRead := readApp(filepath.Join(dir, "app", id, a.Arch, branch))
			if app.ID, app.Scope, app.Branch = id, scope, branch; there {
				apps = append(apps, deployed{app, errRead})
			}
		}
	}
	return apps, err
}

// names returns the names of the files in a folder, none if the folder does not exist.
func names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if patherr.IsMissing(err) {
		return nil, nil
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all, err
}

// readApp reads the folder of a branch of an app. A branch without an active commit is not
// installed.
func readApp(dir string) (app manifest.FlatpakApp, there bool, err error) {
	active := filepath.Join(dir, "active")
	if _, err := os.Lstat(active); patherr.IsMissing(err) {
		return app, false, nil
	}
	app, err = readDeploy(filepath.Join(active, "deploy"))
	return app, true, err
}

// readDeploy reads the remote and the commit of an app: the first members of a serialised
// GVariant of type (ssasta{sv}).
func readDeploy(path string) (manifest.FlatpakApp, error) {
	data, err := plainfile.Read(path, plainfile.MaxText)
	if err != nil {
		return manifest.FlatpakApp{}, err
	}
	origin, rest, ok1 := bytes.Cut(data, []byte{0})
	commit, _, ok2 := bytes.Cut(rest, []byte{0})
	if !ok1 || !ok2 || len(commit) != fullCommit || len(origin) == 0 {
		return manifest.FlatpakApp{}, fmt.Errorf("%s is damaged", path)
	}
	return manifest.FlatpakApp{Remote: string(origin), Commit: string(commit)}, nil
}

// withManifestFields returns an app in the words of its declaration. It has a commit only
// if it is pinned to that commit.
func (a Apps) withManifestFields(app manifest.FlatpakApp, all, known []manifest.FlatpakApp, config keyfile.File) manifest.FlatpakApp {
	masked := isMasked(app, a.Arch, config)
	k, ok := find(app, all, known)
	if !ok && isDefault(app, config) {
		app.Branch = ""
		k, ok = find(app, all, known)
	}
	if ok {
		app.Branch, app.Hosts, app.Comment = k.Branch, k.Hosts, k.Comment
	}
	switch {
	case ok && len(k.Commit) < fullCommit && k.Commit != "":
		app.Commit = k.Commit
	case !masked:
		app.Commit = ""
	}
	return app
}

// find returns the declaration of an app. A declaration without a branch matches any
// branch, if only one is installed.
func find(app manifest.FlatpakApp, all, known []manifest.FlatpakApp) (manifest.FlatpakApp, bool) {
	branches := 0
	for _, other := range all {
		if other.ID == app.ID {
			branches++
		}
	}
	var anyBranch *manifest.FlatpakApp
	for _, k := range known {
		switch {
		case k.ID != app.ID || k.Scope != app.Scope:
		case k.Branch == app.Branch:
			return k, true
		case k.Branch == "" && branches == 1 && anyBranch == nil:
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

// isMasked reports whether a mask excludes an app from updates.
func isMasked(app manifest.FlatpakApp, arch string, config keyfile.File) bool {
	return slices.ContainsFunc(keyfile.SplitList(config.Raw("core", "xa.masked")), func(pattern string) bool {
		return matches(pattern, app.ID, arch, app.Branch)
	})
}

// matches reports whether a pattern of flatpak mask matches an app: parts of its name,
// where *, an empty part and a missing part match any text.
func matches(pattern string, parts ...string) bool {
	pattern = strings.TrimPrefix(pattern, "app/")
	if pattern == "" || strings.HasPrefix(pattern, "runtime/") {
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

// Same compares the remotes and the pinned commits of apps.
func (a Apps) Same(x, y manifest.FlatpakApp) bool {
	return x.Remote == y.Remote && pinnedCommit(x) == pinnedCommit(y)
}

func pinnedCommit(app manifest.FlatpakApp) string {
	if len(app.Commit) < fullCommit {
		return ""
	}
	return app.Commit
}

// Plan installs all apps of a remote by one command, and uninstalls all apps by one. flatpak
// installs either all or none, so if it fails, each app is tried by itself.
func (a Apps) Plan(diffs []reconcile.Diff[manifest.FlatpakApp]) []plan.Change {
	var p []plan.Change
	for _, b := range batches(diffs) {
		p = append(p, a.batch(b))
	}
	for _, d := range diffs {
		if change, ok := a.pin(d); ok {
			p = append(p, change)
		}
	}
	return p
}

// A batch has the apps of one command.
type batch struct {
	op     plan.Op
	scope  manifest.Scope
	remote string // "" to uninstall
	apps   []manifest.FlatpakApp
}

func batches(diffs []reconcile.Diff[manifest.FlatpakApp]) []batch {
	var all []batch
	for _, d := range diffs {
		b, needed := batchOf(d)
		if !needed {
			continue
		}
		i := slices.IndexFunc(all, func(o batch) bool { return o.op == b.op && o.scope == b.scope && o.remote == b.remote })
		if i < 0 {
			all = append(all, b)
			continue
		}
		all[i].apps = append(all[i].apps, b.apps...)
	}
	return all
}

func batchOf(d reconcile.Diff[manifest.FlatpakApp]) (b batch, needed bool) {
	switch {
	case d.Want == nil:
		return batch{plan.Remove, d.Have.Scope, "", []manifest.FlatpakApp{*d.Have}}, true
	case d.Have == nil:
		return batch{plan.Add, d.Want.Scope, d.Want.Remote, []manifest.FlatpakApp{*d.Want}}, true
	}
	return batch{plan.Modify, d.Want.Scope, d.Want.Remote, []manifest.FlatpakApp{*d.Want}}, d.Have.Remote != d.Want.Remote
}

// batch returns the change for a batch, with a fallback for each app.
func (a Apps) batch(b batch) plan.Change {
	if len(b.apps) == 1 {
		return a.single(b)
	}
	change := a.change(b)
	for _, app := range b.apps {
		change.Fallback = append(change.Fallback, a.single(batch{b.op, b.scope, b.remote, []manifest.FlatpakApp{app}}))
	}
	return change
}

// single returns the change for the only app of a batch. If the remote has several branches
// and no default, the fallback is "stable": see isDefault.
func (a Apps) single(b batch) plan.Change {
	change := a.change(b)
	if b.op == plan.Remove || b.apps[0].Branch != "" {
		return change
	}
	stable := b.apps[0]
	stable.Branch = defaultBranch
	retry := a.change(batch{b.op, b.scope, b.remote, []manifest.FlatpakApp{stable}})
	retry.Targets = change.Targets
	change.Fallback = []plan.Change{retry}
	return change
}

func (a Apps) change(b batch) plan.Change {
	argv := []string{"flatpak", "install", option(b.scope), "--noninteractive"}
	switch b.op {
	case plan.Remove:
		argv[1] = "uninstall"
	case plan.Modify: // it is installed from another remote
		argv = append(argv, "--reinstall")
	}
	if b.remote != "" {
		argv = append(argv, b.remote)
	}
	c := plan.Change{Op: b.op}
	for _, app := range b.apps {
		argv = append(argv, a.ref(app))
		c.Targets = append(c.Targets, app.Key())
	}
	c.Steps = []plan.Step{plan.Run{Argv: argv}}
	return c
}

// ref returns the name of an app for commands. An empty part matches any value.
func (a Apps) ref(app manifest.FlatpakApp) string {
	return fmt.Sprintf("app/%s/%s/%s", app.ID, a.Arch, app.Branch)
}

// pin returns the change that pins an app to a commit, or unpins it, and whether it is
// needed.
func (a Apps) pin(d reconcile.Diff[manifest.FlatpakApp]) (plan.Change, bool) {
	var have, want string
	app := cmp.Or(d.Want, d.Have)
	if d.Have != nil {
		have = pinnedCommit(*d.Have)
	}
	if d.Want != nil {
		want = pinnedCommit(*d.Want)
	}
	if have == want {
		return plan.Change{}, false
	}
	change := plan.Change{Op: plan.Modify, Targets: []string{app.Key()}}
	if have != "" { // flatpak does not update masked apps
		change.Steps = append(change.Steps, a.mask(*app, "--remove"))
	}
	if want != "" {
		update := []string{"flatpak", "update", option(app.Scope), "--noninteractive", "--commit=" + want, a.ref(*app)}
		change.Steps = append(change.Steps, plan.Run{Argv: update}, a.mask(*app))
	}
	if have != "" && want != "" {
		change.Undo = []plan.Step{a.mask(*app)}
	}
	return change, true
}

// mask returns the step that excludes an app from updates or, with --remove, includes it
// again.
func (a Apps) mask(app manifest.FlatpakApp, options ...string) plan.Step {
	argv := append([]string{"flatpak", "mask", option(app.Scope)}, options...)
	return plan.Run{Argv: append(argv, fmt.Sprintf("app/%s/%s/%s", app.ID, a.Arch, cmp.Or(app.Branch, "*")))}
}
