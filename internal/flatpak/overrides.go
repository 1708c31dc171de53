package flatpak

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/homepath"
	"bkt/internal/manifest"
	"bkt/internal/plainfile"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// Overrides is the domain of the permissions that the user has granted and denied:
// those of all apps, and of each one.
type Overrides struct {
	Installations
	Home string // the folder that manifests call ${HOME}
	Arch string // Flatpak's name of this machine's architecture
}

// Observe reads the files of the overrides. flatpak leaves those of an app that upstream
// renamed under its former id: the declared ones are for the app of the new id, and a file
// of the former id counts only if nothing else is known.
func (o Overrides) Observe(_ context.Context, _ reconcile.System, known []manifest.FlatpakOverride) (reconcile.Snapshot[manifest.FlatpakOverride], error) {
	o.Installations = o.read()
	var items []manifest.FlatpakOverride
	var left []reconcile.LeftOut
	kept := keptPermissions{}
	names := homepath.Of(o.Home)
	renames, unreadApps := o.renames(known)
	known = renames.follow(known)
	unread, err := o.each(overridesFolder, func(scope manifest.Scope, dir string, u *unread) error {
		if _, custom := scope.Custom(); custom {
			return nil // flatpak does not read them
		}
		entries, err := os.ReadDir(filepath.Join(dir, overridesFolder))
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), ".") {
				continue // a file that was being written
			}
			item := manifest.FlatpakOverride{App: e.Name(), Scope: scope}
			if id, ok := renames[item.App]; ok && o.isDecided(id, scope, known) {
				left = append(left, reconcile.LeftOut{Reason: "overrides of apps under a former id", What: item.Key()})
				continue
			}
			all, err := readOverride(o.path(item))
			if err != nil {
				u.addItem(item.Key(), err)
				continue
			}
			item.Flags, kept[item.Key()] = o.flags(all, names)
			if len(item.Flags) > 0 {
				items = append(items, o.known(item, known, names))
			}
		}
		return err
	})
	if err != nil {
		return reconcile.Snapshot[manifest.FlatpakOverride]{}, err
	}
	unread.hideUnknown(known, items, unreadApps)
	return reconcile.Snapshot[manifest.FlatpakOverride]{
		Items:    items,
		Plan:     func(diffs []reconcile.Diff[manifest.FlatpakOverride]) []plan.Change { return o.plan(diffs, kept) },
		Identity: func(x manifest.FlatpakOverride) string { return o.identity(overridesFolder, x.Scope) },
		Hidden:   func(x manifest.FlatpakOverride) bool { return unread.hides(x.Scope, x.Key()) },
		Renamed:  renames.renamedOverride,
		Unread:   unread.parts,
		LeftOut:  append(kept.leftOut(), left...),
	}, nil
}

// keptPermissions are permissions that no manifest can have, by the key of their override.
// A file that bkt writes keeps them.
type keptPermissions map[string][]permission

func (k keptPermissions) leftOut() []reconcile.LeftOut {
	var all []reconcile.LeftOut
	for _, key := range slices.Sorted(maps.Keys(k)) {
		for _, p := range k[key] {
			all = append(all, reconcile.LeftOut{Reason: "permissions that a manifest cannot have", What: fmt.Sprintf("%s: %q", key, p.name())})
		}
	}
	return all
}

func readOverride(path string) ([]permission, error) {
	text, err := plainfile.Read(path, plainfile.MaxText)
	if err != nil {
		return nil, err
	}
	all, err := parseOverride(text)
	if err != nil {
		err = fmt.Errorf("%s is damaged: %w", path, err)
	}
	return all, err
}

// flags returns the options for permissions, and the permissions that no manifest can have.
func (o Overrides) flags(all []permission, names homepath.Names) (flags []string, kept []permission) {
	for _, p := range all {
		flag := homepath.Encode(names.Usual(p.flag()), o.Home)
		alone := manifest.FlatpakOverride{App: manifest.Global, Scope: manifest.ScopeUser, Flags: []string{flag}}
		if manifest.Check(alone) != nil {
			kept = append(kept, p)
			continue
		}
		flags = append(flags, flag)
	}
	return flags, kept
}

func (o Overrides) expand(flags []string) []string {
	var all []string
	for _, f := range flags {
		all = append(all, homepath.Decode(f, o.Home))
	}
	return all
}

// known returns an override in the words of its declaration. All names of the home are the
// same.
func (o Overrides) known(live manifest.FlatpakOverride, known []manifest.FlatpakOverride, names homepath.Names) manifest.FlatpakOverride {
	i := slices.IndexFunc(known, func(k manifest.FlatpakOverride) bool { return k.Key() == live.Key() })
	if i < 0 {
		return live
	}
	k := known[i]
	if o.Same(k, live) {
		return k
	}
	live.Hosts, live.Comment = k.Hosts, k.Comment
	live.Flags = o.reworded(live.Flags, k.Flags, names)
	return live
}

// reworded returns flags in the order and the words of the known flags with the same
// meaning, and then the others.
func (o Overrides) reworded(flags, known []string, names homepath.Names) []string {
	has := permissions(o.expand(flags))
	var all []string
	for _, k := range known {
		p := parseFlag(names.Usual(homepath.Decode(k, o.Home)))
		if i := slices.Index(has, p); i >= 0 {
			all = append(all, k)
			has = slices.Delete(has, i, i+1)
		}
	}
	for _, p := range has {
		all = append(all, homepath.Encode(p.flag(), o.Home))
	}
	return all
}

// Same compares overrides independently of order and spelling.
func (o Overrides) Same(a, b manifest.FlatpakOverride) bool {
	x, y := permissions(o.expand(a.Flags)), permissions(o.expand(b.Flags))
	return len(x) == len(y) && !slices.ContainsFunc(x, func(p permission) bool { return !slices.Contains(y, p) })
}

// Merge implements [reconcile.Merger]. A subject that both changed to different states
// cannot be merged.
func (o Overrides) Merge(base, ours, theirs manifest.FlatpakOverride) (manifest.FlatpakOverride, bool) {
	was, mine, other := permissions(o.expand(base.Flags)), permissions(o.expand(ours.Flags)), permissions(o.expand(theirs.Flags))
	flags := slices.Clone(ours.Flags)
	for _, p := range changedSubjects(was, other) {
		before, now, their := flagAbout(was, p), flagAbout(mine, p), flagAbout(other, p)
		switch {
		case now == their:
		case now != before:
			return ours, false
		default:
			flags = slices.DeleteFunc(flags, func(f string) bool { return parseFlag(o.expand([]string{f})[0]).subject() == p })
			if their != "" {
				flags = append(flags, homepath.Encode(their, o.Home))
			}
		}
	}
	ours.Flags = flags
	return ours, true
}

// changedSubjects returns the subjects that two overrides treat differently.
func changedSubjects(a, b []permission) []permission {
	var all []permission
	for _, p := range slices.Concat(a, b) {
		if flagAbout(a, p.subject()) != flagAbout(b, p.subject()) && !slices.Contains(all, p.subject()) {
			all = append(all, p.subject())
		}
	}
	return all
}

// flagAbout returns the option with a subject, "" if there is no option.
func flagAbout(all []permission, subject permission) string {
	for _, p := range all {
		if p.subject() == subject {
			return p.flag()
		}
	}
	return ""
}

// Plan writes the files itself, because flatpak would need two commands for each.
func (o Overrides) Plan(diffs []reconcile.Diff[manifest.FlatpakOverride]) []plan.Change {
	return o.plan(diffs, nil)
}

func (o Overrides) plan(diffs []reconcile.Diff[manifest.FlatpakOverride], kept keptPermissions) []plan.Change {
	var p []plan.Change
	for _, d := range diffs {
		switch {
		case d.Want == nil:
			p = append(p, o.remove(*d.Have, kept[d.Have.Key()]))
		case d.Have == nil:
			p = append(p, o.put(plan.Add, *d.Want, kept[d.Want.Key()]))
		default:
			p = append(p, o.put(plan.Modify, *d.Want, kept[d.Want.Key()]))
		}
	}
	return p
}

// remove returns the change that removes an override. What no manifest can have stays.
func (o Overrides) remove(have manifest.FlatpakOverride, kept []permission) plan.Change {
	if len(kept) > 0 {
		have.Flags = nil
		return o.put(plan.Remove, have, kept)
	}
	return plan.Change{Op: plan.Remove, Targets: []string{have.Key()}, Steps: []plan.Step{plan.Delete{Path: o.path(have)}}}
}

func (o Overrides) put(op plan.Op, want manifest.FlatpakOverride, kept []permission) plan.Change {
	all := permissions(o.expand(want.Flags))
	for _, p := range kept {
		if !slices.ContainsFunc(all, func(w permission) bool { return w.subject() == p.subject() }) {
			all = append(all, p)
		}
	}
	file := plan.Overwrite{Path: o.path(want), Text: []byte(formatOverride(all))}
	if op == plan.Add {
		file.Also = o.aliases(want)
	}
	return plan.Change{Op: op, Targets: []string{want.Key()}, Steps: []plan.Step{file}}
}

func (o Overrides) path(x manifest.FlatpakOverride) string {
	return filepath.Join(o.dir(x.Scope), overridesFolder, x.App)
}
