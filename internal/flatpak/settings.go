package flatpak

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/keyfile"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// Settings is the domain of the installations themselves: their settings, and the
// definitions of those with names of their own.
type Settings struct {
	Installations
	Arch string // Flatpak's name of this machine's architecture
}

// The keys of languages in the group core of an installation's configuration.
const (
	languagesKey      = "xa.languages"
	extraLanguagesKey = "xa.extra-languages"
)

// Observe returns the installations that have settings or a definition.
func (s Settings) Observe(_ context.Context, _ reconcile.System, known []manifest.FlatpakInstallation) (reconcile.Snapshot[manifest.FlatpakInstallation], error) {
	s.Installations = s.read()
	found := map[manifest.Scope]manifest.FlatpakInstallation{}
	for _, d := range s.further.defined {
		found[d.Scope] = d.FlatpakInstallation
	}
	var left []reconcile.LeftOut
	unread, err := s.each(repository, func(scope manifest.Scope, dir string, u *unread) error {
		config, err := readConfig(dir)
		if err != nil {
			return err
		}
		item := found[scope]
		item.Scope = scope
		left = append(left, s.addSettings(&item, dir, config, of(known, scope))...)
		found[scope] = item
		return nil
	})
	if err != nil {
		return reconcile.Snapshot[manifest.FlatpakInstallation]{}, err
	}
	var items []manifest.FlatpakInstallation
	for _, scope := range s.scopes() {
		if item := s.reworded(found[scope], known); !unread.scopes[scope] && !isEmpty(item) {
			items = append(items, item)
		}
	}
	return reconcile.Snapshot[manifest.FlatpakInstallation]{
		Items: items, Plan: s.Plan, Unread: unread.parts, LeftOut: left,
		Identity: func(x manifest.FlatpakInstallation) string { return s.identity(repository, x.Scope) },
		Hidden:   func(x manifest.FlatpakInstallation) bool { return unread.hides(x.Scope, x.Key()) },
	}, nil
}

// addSettings adds the settings of an installation to its definition. Masks of apps held at a
// commit and pins of installed runtimes belong to these.
func (s Settings) addSettings(item *manifest.FlatpakInstallation, dir string, config keyfile.File, declared manifest.FlatpakInstallation) []reconcile.LeftOut {
	item.Languages = strings.TrimSuffix(config.Get(coreGroup, languagesKey), ";")
	item.ExtraLanguages = strings.TrimSuffix(config.Get(coreGroup, extraLanguagesKey), ";")
	for _, p := range patterns(config, maskedKey) {
		if slices.Contains(declared.Masks, p) || !s.holdsApp(dir, p) {
			item.Masks = append(item.Masks, p)
		}
	}
	var left []reconcile.LeftOut
	for _, p := range patterns(config, pinnedKey) {
		switch ref := s.isRuntime(p); {
		case slices.Contains(declared.Pins, p), !ref:
			item.Pins = append(item.Pins, p)
		case !isInstalled(filepath.Join(dir, p)):
			left = append(left, reconcile.LeftOut{Reason: "pins of runtimes that are not installed", What: fmt.Sprintf("%s %s", item.Scope, p)})
		}
	}
	return left
}

// isRuntime reports whether a pin is the whole ref of a runtime for this architecture, as
// flatpak pins a runtime that a user installs.
func (s Settings) isRuntime(pin string) bool {
	parts := strings.Split(pin, "/")
	return len(parts) == 4 && parts[0] == runtimeKind && parts[2] == s.Arch && parts[1] != "" && parts[3] != "" && !strings.Contains(pin, "*")
}

// holdsApp reports whether a mask is one that holds an installed app at a commit, see
// [Apps.Plan]. An app whose files cannot be read may be one.
func (s Settings) holdsApp(dir, mask string) bool {
	parts := strings.Split(mask, "/")
	if len(parts) != 4 || parts[2] != s.Arch || strings.Contains(parts[1], "*") {
		return false
	}
	branches, err := names(filepath.Join(dir, parts[0], parts[1], parts[2]))
	return err != nil || slices.ContainsFunc(branches, func(branch string) bool {
		return (parts[3] == "*" || parts[3] == branch) && isInstalled(filepath.Join(dir, parts[0], parts[1], parts[2], branch))
	})
}

// isInstalled reports whether the folder of a branch has an active commit. One that cannot be
// read may have one.
func isInstalled(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, "active"))
	return !patherr.IsMissing(err)
}

// of returns the known installation with a scope.
func of(known []manifest.FlatpakInstallation, scope manifest.Scope) manifest.FlatpakInstallation {
	i := slices.IndexFunc(known, func(k manifest.FlatpakInstallation) bool { return k.Scope == scope })
	if i < 0 {
		return manifest.FlatpakInstallation{}
	}
	return known[i]
}

// reworded returns an installation with the hosts and the comment of its declaration.
func (s Settings) reworded(item manifest.FlatpakInstallation, known []manifest.FlatpakInstallation) manifest.FlatpakInstallation {
	k := of(known, item.Scope)
	if s.Same(item, k) && k.Scope != "" {
		return k
	}
	item.Hosts, item.Comment = k.Hosts, k.Comment
	return item
}

func isEmpty(x manifest.FlatpakInstallation) bool {
	return x.Path+x.Languages+x.ExtraLanguages == "" && len(x.Masks)+len(x.Pins) == 0
}

// Same implements [reconcile.Domain]. The order of patterns does not count.
func (Settings) Same(a, b manifest.FlatpakInstallation) bool {
	return sameDefinition(a, b) && sameLanguages(a.Languages, b.Languages) && sameLanguages(a.ExtraLanguages, b.ExtraLanguages) &&
		len(without(a.Masks, b.Masks))+len(without(b.Masks, a.Masks)) == 0 && len(without(a.Pins, b.Pins))+len(without(b.Pins, a.Pins)) == 0
}

func sameLanguages(a, b string) bool { return strings.TrimSuffix(a, ";") == strings.TrimSuffix(b, ";") }

func sameDefinition(a, b manifest.FlatpakInstallation) bool {
	return a.Path == b.Path && a.DisplayName == b.DisplayName && a.Priority == b.Priority && a.StorageType == b.StorageType
}

// without returns the elements of a list that another does not have.
func without(all, other []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(other, s) })
}

// Merge implements [reconcile.Merger] for patterns. Anything else that both changed cannot
// be merged.
func (s Settings) Merge(base, ours, theirs manifest.FlatpakInstallation) (manifest.FlatpakInstallation, bool) {
	rest := func(x manifest.FlatpakInstallation) manifest.FlatpakInstallation {
		x.Masks, x.Pins = nil, nil
		return x
	}
	masks, pins := merged(base.Masks, ours.Masks, theirs.Masks), merged(base.Pins, ours.Pins, theirs.Pins)
	if s.Same(rest(ours), rest(base)) {
		hosts, comment := ours.Hosts, ours.Comment
		ours = theirs
		ours.Hosts, ours.Comment = hosts, comment
	} else if !s.Same(rest(theirs), rest(base)) && !s.Same(rest(theirs), rest(ours)) {
		return ours, false
	}
	ours.Masks, ours.Pins = masks, pins
	return ours, true
}

func merged(base, ours, theirs []string) []string {
	return append(without(ours, without(base, theirs)), without(without(theirs, base), ours)...)
}

// Plan changes each setting by one command of flatpak.
func (s Settings) Plan(diffs []reconcile.Diff[manifest.FlatpakInstallation]) []plan.Change {
	var p []plan.Change
	for _, d := range diffs {
		x := cmp.Or(d.Want, d.Have)
		have, want := deref(d.Have), deref(d.Want)
		c := plan.Change{Op: plan.Modify, Targets: []string{x.Key()}}
		switch {
		case d.Want == nil:
			c.Op = plan.Remove
		case d.Have == nil:
			c.Op = plan.Add
		}
		if !sameDefinition(have, want) {
			c.Steps = append(c.Steps, s.define(*x, d.Want == nil))
			c.Hint = fmt.Sprintf("only root can write below %s: create the file as root, or put it into the image, with \"files\" in %s", s.Config, manifest.SystemConfigPath)
		}
		c.Steps = append(c.Steps, language(x.Scope, "languages", have.Languages, want.Languages)...)
		c.Steps = append(c.Steps, language(x.Scope, "extra-languages", have.ExtraLanguages, want.ExtraLanguages)...)
		c.Steps = append(c.Steps, edit(x.Scope, "mask", have.Masks, want.Masks)...)
		c.Steps = append(c.Steps, edit(x.Scope, "pin", have.Pins, want.Pins)...)
		p = append(p, c)
	}
	return p
}

func deref(x *manifest.FlatpakInstallation) manifest.FlatpakInstallation {
	if x == nil {
		return manifest.FlatpakInstallation{}
	}
	return *x
}

// language returns the step that sets or resets languages.
func language(scope manifest.Scope, key, have, want string) []plan.Step {
	argv := []string{"flatpak", "config", option(scope), "--set", key, want}
	switch {
	case sameLanguages(have, want):
		return nil
	case want == "":
		argv = []string{"flatpak", "config", option(scope), "--unset", key}
	}
	return []plan.Step{plan.Run{Argv: argv}}
}

// edit returns the steps that remove patterns from a list, see [editPatterns], and add
// others.
func edit(scope manifest.Scope, command string, have, want []string) []plan.Step {
	var steps []plan.Step
	if gone := without(have, want); len(gone) > 0 {
		steps = append(steps, editPatterns(command, scope, gone, "--remove"))
	}
	if added := without(want, have); len(added) > 0 {
		steps = append(steps, editPatterns(command, scope, added))
	}
	return steps
}

// define returns the step that defines an installation in a file of its own. It never
// removes a definition: apps may be installed there. Nor does it change a file that
// defines more.
func (s Settings) define(x manifest.FlatpakInstallation, remove bool) plan.Step {
	name, _ := x.Scope.Custom()
	path := filepath.Join(s.Config, installationsFolder, name+definitionSuffix)
	d, exists := s.further.find(x.Scope)
	switch {
	case remove:
		err := fmt.Errorf("bkt does not remove the definition of an installation, %s", d.file)
		return plan.Fail{Reason: hint.Add(err, "uninstall what is in %s, and remove the file", d.Path)}
	case exists && !d.alone:
		err := fmt.Errorf("%s has further groups, and bkt does not edit it", d.file)
		return plan.Fail{Reason: hint.Add(err, "edit the group of the installation in the file")}
	case exists:
		path = d.file
	}
	return plan.Overwrite{Path: path, Text: []byte(formatDefinition(name, x))}
}

func formatDefinition(name string, x manifest.FlatpakInstallation) string {
	g := keyfile.Group{Name: fmt.Sprintf("Installation %q", name)}
	g.Set("Path", keyfile.Escape(x.Path))
	if x.DisplayName != "" {
		g.Set("DisplayName", keyfile.Escape(x.DisplayName))
	}
	if x.Priority != 0 {
		g.Set("Priority", strconv.Itoa(x.Priority))
	}
	if x.StorageType != "" {
		g.Set("StorageType", keyfile.Escape(x.StorageType))
	}
	return keyfile.File{g}.String()
}
