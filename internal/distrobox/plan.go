package distrobox

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/distrobox/creation"
	"bkt/internal/distrobox/export"
	"bkt/internal/distrobox/manager"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// plan implements Plan of [reconcile.Snapshot].
func (s *snapshot) plan(diffs []reconcile.Diff[Container]) []plan.Change {
	var p []plan.Change
	for _, diff := range diffs {
		switch have, want := diff.Have, diff.Want; {
		case want == nil:
			p = append(p, s.remove(*have, diff.Base))
		case have == nil:
			p = append(p, s.create(diff)...)
		case !sameCreation(have.Container, want.Container), !sameImage(*have, *want):
			m := s.byHand(diff)
			p = append(p, s.recreate(*want, m.replaced)...)
			p = append(p, s.undeclare(want.Name, m)...)
		case s.isUnfinished(*want):
			p = append(p, s.restoreName(*want))
		default:
			m := s.byHand(diff)
			p = append(p, s.finish(*want)...)
			p = append(p, s.export(*want, m.replaced, len(want.ToDo.Export) > 0)...)
			p = append(p, s.undeclare(want.Name, m)...)
		}
	}
	return p
}

// remove removes a container and its exports. It does not use distrobox, which also
// removes exports of containers whose names begin with this name, and may ask whether to
// remove a home.
func (s *snapshot) remove(item Container, agreed *Container) plan.Change {
	c := plan.Change{Op: plan.Remove, Targets: []string{item.Name}}
	for _, there := range []map[string]manager.Container{s.containers, s.backups} {
		if old, ok := there[item.Name]; ok {
			c.Steps = append(c.Steps, s.manager().Discard(old))
		}
	}
	var exports []plan.Step
	exports, c.Remains = s.removeExports(item, agreed)
	c.Steps = append(c.Steps, exports...)
	if s.facts.menu[item.Name] {
		c.Steps = append(c.Steps, plan.Delete{Path: s.menuEntry(item.Name)})
	}
	return c
}

// removeExports removes the exports of a container that bkt wrote, and those that were
// made by hand and declared later. It leaves all other exports, and lists them.
func (s *snapshot) removeExports(c Container, agreed *Container) (steps []plan.Step, remaining []string) {
	was := manifest.Container{}
	if agreed != nil {
		was = agreed.Container
	}
	remove := func(at string, e export.File, declared bool) {
		if e.ByBkt || declared && e.Unsupported == "" {
			steps = append(steps, plan.Delete{Path: at})
		} else {
			remaining = append(remaining, s.shorten(at)+", which bkt did not export")
		}
	}
	wrappers, declared := s.wrappersOf(c.Name), s.wanted(was, nil)
	for _, at := range sortedKeys(wrappers) {
		if w := wrappers[at]; filepath.Dir(at) != baked {
			p, ok := declared[at]
			remove(at, w.File, ok && w.Is(p))
		}
	}
	for _, a := range s.apps {
		if a.Container == c.Name {
			remove(a.At, a.File, isDeclared(a, was))
		}
	}
	return steps, remaining
}

func (s *snapshot) create(diff reconcile.Diff[Container]) []plan.Change {
	c := *diff.Want
	steps := s.createSteps(c)
	made := plan.Change{Op: plan.Add, Targets: []string{c.Name}, Steps: steps, Hint: createHint(c, steps)}
	// A former container of this name may have left exports that were made by hand.
	left := c
	s.observeWrappers(&left)
	diff.Have = &left
	m := s.byHand(diff)
	p := append([]plan.Change{made}, s.export(c, m.replaced, true)...)
	return append(p, s.undeclare(c.Name, m)...)
}

// createHint returns a hint for the case that these steps do not create a container.
func createHint(c Container, steps []plan.Step) string {
	if isRefused(steps) {
		return "" // the step has the reason
	}
	if len(c.Packages) == 0 {
		return `"bkt apply distrobox --dry-run -v" prints the commands, to try each of them`
	}
	return "packages need --additional-packages, which distrobox has since release 1.5: update distrobox if it is older"
}

// isRefused reports whether the only step is the reason why nothing is done.
func isRefused(steps []plan.Step) bool {
	_, ok := steps[0].(plan.Fail)
	return ok
}

// isUnfinished reports whether a container was being recreated, and its successor does
// not exist.
func (s *snapshot) isUnfinished(c Container) bool {
	_, there := s.containers[c.Name]
	return !there
}

// recreate recreates a container, and replaces exports by hand. The old container gets
// another name, and is removed as soon as the new one has started.
func (s *snapshot) recreate(item Container, replaced []string) []plan.Change {
	old, isBackup := s.backups[item.Name]
	now, there := s.containers[item.Name]
	creating := s.createSteps(item)
	c := plan.Change{Op: plan.Modify, Targets: []string{item.Name}, DataLoss: s.losses[item.Name], Hint: createHint(item, creating)}
	if isRefused(creating) { // the old one is left alone
		return []plan.Change{{Op: plan.Modify, Targets: c.Targets, Steps: creating}}
	}
	if item.Pull || item.ImageID == "" { // while the old one still runs
		c.Steps = append(c.Steps, s.manager().Run("pull", item.Image))
	}
	switch {
	case there && isBackup: // the new one is wrong: keep the old one until another is created
		c.DataLoss = append(c.DataLoss, "the old container, "+old.Name)
		c.Steps = append(c.Steps, s.manager().Discard(now))
	case there:
		old = now
		c.Steps = append(c.Steps, s.manager().Run("stop", old.ID), s.manager().Rename(old, item.Name+backupSuffix))
	}
	c.Steps = append(c.Steps, creating...)
	c.Steps = append(c.Steps, s.started(item), s.manager().Discard(old))
	c.Undo = []plan.Step{s.manager().RollBack(old, item.Name, item.Name+backupSuffix)}
	return append([]plan.Change{c}, s.export(item, replaced, true)...)
}

// restoreName gives a container that is up to date its name back.
func (s *snapshot) restoreName(c Container) plan.Change {
	return plan.Change{Op: plan.Modify, Targets: []string{c.Name}, Steps: []plan.Step{s.manager().Rename(s.backups[c.Name], c.Name)}}
}

// finish removes the old container if the new one starts. If it does not, both stay:
// the user may have used either of them last.
func (s *snapshot) finish(c Container) []plan.Change {
	old, aside := s.backups[c.Name]
	if !aside {
		return nil
	}
	steps := []plan.Step{s.started(c), s.manager().Discard(old)}
	return []plan.Change{{Op: plan.Modify, Targets: []string{c.Name}, DataLoss: []string{"the old container, " + old.Name}, Steps: steps}}
}

// started starts a container, which runs its hooks, and verifies that it runs: then
// the old one is removed.
func (d Domain) started(c Container) plan.Step {
	r := d.enter(c.Name, "# bkt\nexit 0\n")
	r.Verify = d.manager().IsRunning(c.Name)
	return r
}

// export brings the exports of a container up to date. It removes files of the host
// without the container, and enters the container for the rest if enter is set, or if
// exports by hand are replaced.
func (s *snapshot) export(c Container, replaced []string, enter bool) []plan.Change {
	var steps []plan.Step
	for _, at := range slices.Concat(c.ToDo.Remove, replaced) {
		steps = append(steps, plan.Delete{Path: at})
	}
	if s.exportsSomething(c.Container) && s.path.text != "" {
		steps = append(steps, plan.Overwrite{Path: s.path.at, Text: []byte(s.path.text)})
	}
	enter = enter && !slices.Equal(c.ToDo.Export, []string{s.path.at}) || len(replaced) > 0
	if enter && (s.exportsSomething(c.Container) || len(c.ExportedApps) > 0) {
		steps = append(steps, s.exports(c, replaced...)...)
	}
	if len(steps) == 0 {
		return nil
	}
	change := plan.Change{Op: plan.Modify, Targets: []string{c.Name}, Steps: steps}
	if slices.ContainsFunc(c.ToDo.Remove, func(at string) bool { return slices.Contains(c.ToDo.Export, at) }) {
		change.Hint = "install the program in the container, or remove it from \"also\" of its bins"
	}
	return []plan.Change{change}
}

// manualExports are files that were exported by hand, and differ from the manifest.
type manualExports struct {
	replaced []string // were declared as they are, and are declared with other options now
	removed  []string // were declared as they are, and are no longer declared
	refused  []string // were never declared as they are
}

// byHand returns the manual exports of a container that are no longer declared as they
// are.
func (s *snapshot) byHand(diff reconcile.Diff[Container]) manualExports {
	var m manualExports
	var agreed manifest.Container
	if diff.Base != nil {
		agreed = diff.Base.Container
	}
	add := func(at string, wasDeclared, isDeclared bool) {
		switch {
		case !wasDeclared:
			m.refused = append(m.refused, at)
		case isDeclared:
			m.replaced = append(m.replaced, at)
		default:
			m.removed = append(m.removed, at)
		}
	}
	name := diff.Want.Name
	wrappers := s.wrappersOf(name)
	had, was, is := s.wanted(diff.Have.Container, nil), s.wanted(agreed, nil), s.wanted(diff.Want.Container, diff.Want.Bins.Found)
	for _, at := range sortedKeys(had) {
		w, there := wrappers[at]
		p, declared := is[at]
		if there && s.isManual(w) && w.Is(had[at]) && (!declared || w.Program == p.Path && !w.Is(p)) {
			q, ok := was[at]
			add(at, ok && w.Is(q), declared)
		}
	}
	for _, a := range s.apps {
		if a.Container != name || a.ByBkt || a.Unsupported != "" || !isDeclared(a, diff.Have.Container) || isDeclared(a, diff.Want.Container) {
			continue
		}
		add(a.At, isDeclared(a, agreed), slices.ContainsFunc(diff.Want.ExportedApps, func(d manifest.ExportedApp) bool { return a.Is(d.Name) }))
	}
	return m
}

// isDeclared reports whether a container declares an entry with its options.
func isDeclared(a export.App, c manifest.Container) bool {
	return slices.ContainsFunc(c.ExportedApps, func(d manifest.ExportedApp) bool { return a.Is(d.Name) && a.Shows(d) })
}

// undeclare removes exports that were made by hand, declared later, and are no longer
// declared. bkt does not remove exports that were never declared.
func (s *snapshot) undeclare(name string, m manualExports) []plan.Change {
	remove := plan.Change{Op: plan.Modify, Targets: []string{name}}
	refuse := remove
	for _, at := range m.removed {
		remove.Steps = append(remove.Steps, plan.Delete{Path: at})
	}
	for _, at := range m.refused {
		refuse.Steps = append(refuse.Steps, s.undeclared(at))
	}
	return slices.DeleteFunc([]plan.Change{remove, refuse}, func(c plan.Change) bool { return len(c.Steps) == 0 })
}

func (d Domain) undeclared(at string) plan.Step {
	err := fmt.Errorf("%s was exported by hand and is not declared: bkt leaves it alone", d.shorten(at))
	return plan.Fail{Reason: hint.Add(err, `"bkt capture distrobox" declares it in the manifest; remove the file if you do not need it`)}
}

// createSteps returns the steps that create a container and its shared folders, and
// verify the result: distrobox reports success even if the manager has refused, or if a
// container of this name exists.
func (s *snapshot) createSteps(c Container) []plan.Step {
	argv, err := s.creator().Args(c.Name, c.Container)
	if err == nil {
		argv, err = s.creator().AddHome(argv, s.Manager, c.Image, creation.Home{Env: c.ImageEnv, Path: c.InHome.Path})
	}
	if err != nil {
		return []plan.Step{plan.Fail{Reason: err}}
	}
	entry, err := creation.Label(c.Name, c.Container)
	if err != nil {
		return []plan.Step{plan.Fail{Reason: err}}
	}
	create := plan.Run{Argv: argv, Verify: s.manager().IsCreated(c.Name, strings.TrimPrefix(c.Image, "docker://"), entry)}
	folders, err := s.sharedFolders(c)
	if err != nil {
		return []plan.Step{plan.Fail{Reason: err}}
	}
	return append(folders, create)
}
