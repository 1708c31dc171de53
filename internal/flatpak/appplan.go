package flatpak

import (
	"cmp"
	"fmt"
	"slices"

	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// Plan installs all apps of a remote by one command, and uninstalls all apps by one. flatpak
// installs either all or none, so if it fails, each app is tried by itself.
func (a Apps) Plan(diffs []reconcile.Diff[manifest.FlatpakApp]) []plan.Change {
	var p []plan.Change
	for _, d := range diffs {
		if isBundle(d) {
			p = append(p, needsBundle(*d.Want))
		}
	}
	diffs = slices.DeleteFunc(slices.Clone(diffs), isBundle)
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

// plan is [Apps.Plan] with what the system has: a runtime that is already installed, because
// an app needs it, is only pinned, and one that an app needs is only unpinned.
func (o *observed) plan(diffs []reconcile.Diff[manifest.FlatpakApp]) []plan.Change {
	var rest []reconcile.Diff[manifest.FlatpakApp]
	var pin, unpin []manifest.FlatpakApp
	for _, d := range diffs {
		switch {
		case d.Have == nil && d.Want.Runtime:
			have, ok := o.installed(*d.Want)
			if ok {
				now := o.withManifestFields(have)
				d.Have, pin = &now, append(pin, *d.Want)
			}
			rest = append(rest, d)
		case d.Want == nil && d.Have.Runtime:
			unpin = append(unpin, *d.Have)
			if have, ok := o.installed(*d.Have); !ok || !o.needs.include(have) {
				rest = append(rest, d)
			}
		default:
			rest = append(rest, d)
		}
	}
	return slices.Concat(o.Plan(rest), o.pins(plan.Add, pin), o.pins(plan.Remove, o.pinnedExactly(unpin), "--remove"))
}

// installed returns an installed runtime, pinned or not.
func (o *observed) installed(x manifest.FlatpakApp) (deployed, bool) {
	i := slices.IndexFunc(o.all, func(d deployed) bool {
		return d.Runtime && d.err == nil && d.Scope == x.Scope && d.ID == x.ID && (x.Branch == "" || d.Branch == x.Branch)
	})
	if i < 0 {
		return deployed{}, false
	}
	return o.all[i], true
}

// pinnedExactly returns the runtimes that are pinned by their whole ref.
func (o *observed) pinnedExactly(all []manifest.FlatpakApp) []manifest.FlatpakApp {
	return slices.DeleteFunc(all, func(x manifest.FlatpakApp) bool {
		have, ok := o.installed(x)
		return !ok || !slices.Contains(patterns(have.config, pinnedKey), o.ref(have.FlatpakApp))
	})
}

// pins returns a change for each installation that pins runtimes or, with --remove, unpins
// them.
func (o *observed) pins(op plan.Op, all []manifest.FlatpakApp, options ...string) []plan.Change {
	var changes []plan.Change
	for _, scope := range o.scopes() {
		var refs, targets []string
		for _, x := range all {
			if have, ok := o.installed(x); ok && x.Scope == scope {
				refs, targets = append(refs, o.ref(have.FlatpakApp)), append(targets, x.Key())
			}
		}
		if len(refs) > 0 {
			changes = append(changes, plan.Change{Op: op, Targets: targets, Steps: []plan.Step{editPatterns("pin", scope, refs, options...)}})
		}
	}
	return changes
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
	if b.op == plan.Remove || b.apps[0].Branch != "" || b.apps[0].Runtime {
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

// ref returns the name of an app or a runtime for commands. An empty part matches any value.
func (a Apps) ref(app manifest.FlatpakApp) string {
	return fmt.Sprintf("%s/%s/%s/%s", kindOf(app), app.ID, a.Arch, app.Branch)
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
	held := a.masksOf(*app)
	switch own := a.ownMask(*app); {
	case d.Want == nil && a.masked != nil: // other masks are not only for this app
		held = slices.DeleteFunc(held, func(p string) bool { return p != own })
	case have != "" && len(held) == 0:
		held = []string{own}
	}
	if len(held) > 0 { // flatpak does not update masked apps
		change.Steps = append(change.Steps, editPatterns("mask", app.Scope, held, "--remove"))
	}
	if want != "" {
		update := []string{"flatpak", "update", option(app.Scope), "--noninteractive", "--commit=" + want, a.ref(*app)}
		if len(held) > 0 {
			change.Undo = []plan.Step{editPatterns("mask", app.Scope, held)}
		} else {
			held = []string{a.ownMask(*app)}
		}
		change.Steps = append(change.Steps, plan.Run{Argv: update}, editPatterns("mask", app.Scope, held))
	}
	return change, len(change.Steps) > 0
}

// masksOf returns the masks of the installation that match an app.
func (a Apps) masksOf(app manifest.FlatpakApp) []string {
	return slices.DeleteFunc(slices.Clone(a.masked[app.Scope]), func(p string) bool { return !matchesAny([]string{p}, app, a.Arch) })
}

// ownMask returns the mask that holds one app.
func (a Apps) ownMask(app manifest.FlatpakApp) string {
	return fmt.Sprintf("%s/%s/%s/%s", kindOf(app), app.ID, a.Arch, cmp.Or(app.Branch, "*"))
}
