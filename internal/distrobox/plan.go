package distrobox

import (
	"fmt"
	"path"
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
			p = append(p, s.create(*want)...)
		case !sameMade(have.Container, want.Container), !sameImage(*have, *want):
			p = append(p, s.recreate(*have, *want)...)
			p = append(p, s.undeclare(diff)...)
		case s.isUnfinished(*want):
			p = append(p, s.restoreName(*want))
		default:
			p = append(p, s.finish(*want)...)
			p = append(p, s.export(*have, *want, len(want.ToDo.Export) > 0)...)
			p = append(p, s.undeclare(diff)...)
		}
	}
	return p
}

// remove removes a container and its exports. It does not leave that to distrobox,
// which also removes exports of containers whose names begin with this one's, and may
// ask whether to remove a home.
func (s *snapshot) remove(b Container, agreed *Container) plan.Change {
	c := plan.Change{Op: plan.Remove, Targets: []string{b.Name}}
	for _, there := range []map[string]manager.Container{s.containers, s.backups} {
		if old, ok := there[b.Name]; ok {
			c.Steps = append(c.Steps, s.manager().Discard(old))
		}
	}
	var exports []plan.Step
	exports, c.Remains = s.removeExports(b, agreed)
	c.Steps = append(c.Steps, exports...)
	if s.facts.menu[b.Name] {
		c.Steps = append(c.Steps, plan.Delete{Path: s.menuEntry(b.Name)})
	}
	return c
}

// removeExports removes what bkt has exported from a container, and what was exported
// by hand and declared later. All other exports stay, and are listed.
func (s *snapshot) removeExports(b Container, agreed *Container) (steps []plan.Step, leaves []string) {
	was := manifest.Container{}
	if agreed != nil {
		was = agreed.Container
	}
	remove := func(at string, e export.File, declared bool) {
		if e.ByBkt || declared && e.Unsupported == "" {
			steps = append(steps, plan.Delete{Path: at})
		} else {
			leaves = append(leaves, s.shorten(at)+", which bkt has not exported")
		}
	}
	wrappers := s.wrappersOf(b.Name)
	for _, at := range sortedKeys(wrappers) {
		if w := wrappers[at]; filepath.Dir(at) != baked {
			original := path.Base(at) == path.Base(w.Program) // else it is a copy
			remove(at, w.File, original && s.declares(was, w.Program))
		}
	}
	for _, a := range s.apps {
		if a.Container == b.Name {
			remove(a.At, a.File, slices.ContainsFunc(was.ExportedApps, a.Is))
		}
	}
	return steps, leaves
}

func (s *snapshot) create(b Container) []plan.Change {
	steps := s.createSteps(b)
	made := plan.Change{Op: plan.Add, Targets: []string{b.Name}, Steps: steps, Hint: createHint(b, steps)}
	return append([]plan.Change{made}, s.export(b, b, true)...)
}

// createHint says what the user can do if these steps do not create a container.
func createHint(b Container, steps []plan.Step) string {
	if isRefused(steps) {
		return "" // the step has the reason
	}
	if len(b.Packages) == 0 {
		return `"bkt apply distrobox --dry-run -v" prints the commands, to try one by itself`
	}
	return "should distrobox not know --additional-packages: packages take release 1.5 or a newer one"
}

// isRefused reports whether there is only a reason instead of steps.
func isRefused(steps []plan.Step) bool {
	_, ok := steps[0].(plan.Fail)
	return ok
}

// isUnfinished reports whether a container was being recreated and the new one does
// not exist.
func (s *snapshot) isUnfinished(b Container) bool {
	_, there := s.containers[b.Name]
	return !there
}

// recreate recreates a container. The old one gets another name, and is removed as
// soon as the new one has started.
func (s *snapshot) recreate(have, b Container) []plan.Change {
	old, isBackup := s.backups[b.Name]
	now, there := s.containers[b.Name]
	creating := s.createSteps(b)
	c := plan.Change{Op: plan.Modify, Targets: []string{b.Name}, DataLoss: s.losses[b.Name], Hint: createHint(b, creating)}
	if isRefused(creating) { // the old one is left alone
		return []plan.Change{{Op: plan.Modify, Targets: c.Targets, Steps: creating}}
	}
	if b.Pull || b.ImageID == "" { // while the old one still runs
		c.Steps = append(c.Steps, s.manager().Run("pull", b.Image))
	}
	switch {
	case there && isBackup: // the new one is wrong: keep the old one until another is created
		c.DataLoss = append(c.DataLoss, "the old container, "+old.Name)
		c.Steps = append(c.Steps, s.manager().Discard(now))
	case there:
		old = now
		c.Steps = append(c.Steps, s.manager().Run("stop", old.ID), s.manager().Rename(old, b.Name+backupSuffix))
	}
	c.Steps = append(c.Steps, creating...)
	c.Steps = append(c.Steps, s.started(b), s.manager().Discard(old))
	c.Undo = []plan.Step{s.manager().RollBack(old, b.Name, b.Name+backupSuffix)}
	return append([]plan.Change{c}, s.export(have, b, true)...)
}

// restoreName gives a container, which is as declared, its name back.
func (s *snapshot) restoreName(b Container) plan.Change {
	return plan.Change{Op: plan.Modify, Targets: []string{b.Name}, Steps: []plan.Step{s.manager().Rename(s.backups[b.Name], b.Name)}}
}

// finish removes the old container if the new one starts. If it does not, both stay:
// the user may have used either of them last.
func (s *snapshot) finish(b Container) []plan.Change {
	old, aside := s.backups[b.Name]
	if !aside {
		return nil
	}
	steps := []plan.Step{s.started(b), s.manager().Discard(old)}
	return []plan.Change{{Op: plan.Modify, Targets: []string{b.Name}, DataLoss: []string{"the old container, " + old.Name}, Steps: steps}}
}

// started starts a container, which runs its hooks, and verifies that it runs: then
// the old one is removed.
func (d Domain) started(b Container) plan.Step {
	r := d.enter(b.Name, "# bkt\nexit 0\n")
	r.Verify = d.manager().IsRunning(b.Name)
	return r
}

// export brings the exports of a container up to date. Files of the host are removed
// without the container; it is entered for the rest if enter is set.
func (s *snapshot) export(have, b Container, enter bool) []plan.Change {
	var steps []plan.Step
	for _, at := range b.ToDo.Remove {
		steps = append(steps, plan.Delete{Path: at})
	}
	if s.exportsSomething(b.Container) && s.path.text != "" {
		steps = append(steps, plan.Overwrite{Path: s.path.at, Text: []byte(s.path.text)})
	}
	if enter && (s.exportsSomething(b.Container) || len(b.ExportedApps) > 0) && !slices.Equal(b.ToDo.Export, []string{s.path.at}) {
		steps = append(steps, s.exports(b)...)
	}
	if len(steps) == 0 {
		return nil
	}
	return []plan.Change{{Op: plan.Modify, Targets: []string{b.Name}, Steps: steps}}
}

// undeclaredExports returns what was exported by hand from a container, and is no
// longer declared.
func (s *snapshot) undeclaredExports(have, want Container) (wrappers []export.Wrapper, apps []export.App) {
	dir, _ := s.to(want.Container)
	all := s.wrappersOf(want.Name)
	for _, program := range have.Bins.Also {
		w, there := all[path.Join(dir, path.Base(program))]
		if there && !w.ByBkt && w.Unsupported == "" && w.Program == s.expand(program) && !s.declares(want.Container, w.Program) {
			wrappers = append(wrappers, w)
		}
	}
	for _, a := range s.apps {
		was, is := slices.ContainsFunc(have.ExportedApps, a.Is), slices.ContainsFunc(want.ExportedApps, a.Is)
		if a.Container == want.Name && !a.ByBkt && a.Unsupported == "" && was && !is {
			apps = append(apps, a)
		}
	}
	return wrappers, apps
}

// declares reports whether a program is declared by itself.
func (d Domain) declares(b manifest.Container, program string) bool {
	return slices.ContainsFunc(b.Bins.Also, func(also string) bool { return d.expand(also) == program })
}

// undeclare removes exports that were made by hand, declared later, and are no longer
// declared. bkt does not remove exports that were never declared.
func (s *snapshot) undeclare(diff reconcile.Diff[Container]) []plan.Change {
	wrappers, apps := s.undeclaredExports(*diff.Have, *diff.Want)
	var agreed manifest.Container
	if diff.Base != nil {
		agreed = diff.Base.Container
	}
	remove := plan.Change{Op: plan.Modify, Targets: []string{diff.Want.Name}}
	refuse := remove
	for _, w := range wrappers {
		if s.declares(agreed, w.Program) {
			remove.Steps = append(remove.Steps, plan.Delete{Path: w.At})
			continue
		}
		refuse.Steps = append(refuse.Steps, s.undeclared(w.At))
	}
	for _, a := range apps {
		if slices.ContainsFunc(agreed.ExportedApps, a.Is) {
			remove.Steps = append(remove.Steps, plan.Delete{Path: a.At})
			continue
		}
		refuse.Steps = append(refuse.Steps, s.undeclared(a.At))
	}
	return slices.DeleteFunc([]plan.Change{remove, refuse}, func(c plan.Change) bool { return len(c.Steps) == 0 })
}

func (d Domain) undeclared(at string) plan.Step {
	err := fmt.Errorf("%s was exported by hand, and is not declared: it stays", d.shorten(at))
	return plan.Fail{Reason: hint.Add(err, `"bkt capture distrobox" takes it into the manifest; if it is not wanted, remove it`)}
}

// createSteps returns the steps that create a container, and the folders that it
// shares. The result is verified: distrobox reports success even if the manager has
// refused, or if a container of this name exists.
func (s *snapshot) createSteps(b Container) []plan.Step {
	argv, err := s.creator().Args(b.Name, b.Container)
	if err != nil {
		return []plan.Step{plan.Fail{Reason: err}}
	}
	entry, err := creation.Label(b.Name, b.Container)
	if err != nil {
		return []plan.Step{plan.Fail{Reason: err}}
	}
	create := plan.Run{Argv: argv, Verify: s.manager().IsCreated(b.Name, strings.TrimPrefix(b.Image, "docker://"), entry)}
	folders, err := s.sharedFolders(b)
	if err != nil {
		return []plan.Step{plan.Fail{Reason: err}}
	}
	return append(folders, create)
}
