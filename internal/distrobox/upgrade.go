package distrobox

import (
	"context"
	"fmt"
	"slices"

	"bkt/internal/distrobox/manager"
	"bkt/internal/hint"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// An Upgrade recreates a container from another image, and keeps the old container
// under another name.
type Upgrade struct {
	Was    string   // the beginning of the id of the image of the container
	Same   bool     // nothing else is to change
	Backup string   // the name of the old container afterwards
	Loses  []string // what only the old container has
	Stages []Stage  // each needs those before it
	Undo   Stage    // restores the old container, after any number of stages
	Remove Stage    // removes the old container, after all stages
}

// A Stage is a part of an upgrade.
type Stage struct {
	Title string
	Steps []plan.Step
}

// Upgrade returns what recreates a container, which must exist, from an image that
// will have the name candidate. The image gets the name that the manifest has for it.
// In the end, the programs at the paths in answering must answer when they are asked
// for their version. The old container gets a name that ends in suffix.
//
// If bkt is killed meanwhile, apply finds the old container as one that is being
// recreated, and finishes that.
func (d Domain) Upgrade(ctx context.Context, sys reconcile.System, b Container, candidate string, answering []string, suffix string) (Upgrade, error) {
	if b.Root {
		err := fmt.Errorf("container %s belongs to root", b.Name)
		return Upgrade{}, hint.Add(err, "bkt does not recreate containers of root: see distrobox-rm(1) and distrobox-create(1)")
	}
	s, _, err := d.observe(ctx, sys, []Container{b})
	if err != nil {
		return Upgrade{}, err
	}
	old, there := s.containers[b.Name]
	if _, aside := s.backups[b.Name]; aside {
		err := fmt.Errorf("container %s was being recreated when bkt was stopped", b.Name)
		return Upgrade{}, hint.Add(err, `run "bkt apply distrobox" first`)
	}
	if !there {
		return Upgrade{}, hint.Add(fmt.Errorf("container %s does not exist", b.Name), `run "bkt apply distrobox" to create it`)
	}
	if steps := s.createSteps(b); isRefused(steps) {
		return Upgrade{}, steps[0].(plan.Fail).Reason
	}
	made, _ := s.observed(old, b.Name, index([]Container{b}))
	u := Upgrade{Was: old.ImageID, Same: sameMade(made.Container, b.Container), Backup: b.Name + suffix, Loses: d.changesSinceImage(ctx, sys, old, made.Volume, slices.Concat(made.Packages, b.Packages))}
	u.Stages = s.stages(b, old, candidate, u.Backup, answering)
	u.Undo = Stage{"restore the old container", []plan.Step{d.manager().RollBack(old, b.Name, b.Name+backupSuffix), s.manager().RestoreName(s.images.ID(b.Image), b.Image)}}
	u.Remove = Stage{"remove the old container", []plan.Step{d.manager().Remove(old, u.Backup)}}
	return u, nil
}

// Stale returns the steps that remove the wrappers of a container for programs that it
// does not have.
func (d Domain) Stale(ctx context.Context, sys reconcile.System, b Container) ([]plan.Step, error) {
	_, remove, err := d.missingAndStale(ctx, sys, b)
	var steps []plan.Step
	for _, at := range remove {
		steps = append(steps, plan.Delete{Path: at})
	}
	return steps, err
}

// Lacking returns an error if the host lacks exports of a container, whatever the
// commands reported that should make them.
func (d Domain) Lacking(ctx context.Context, sys reconcile.System, b Container) error {
	export, _, err := d.missingAndStale(ctx, sys, b)
	if err == nil && len(export) > 0 {
		err = fmt.Errorf("not exported: %s", manager.Few(export))
	}
	return err
}

// missingAndStale returns the exports of a container that are missing, without the
// file with PATH, which apply writes, and those that are no longer declared.
func (d Domain) missingAndStale(ctx context.Context, sys reconcile.System, b Container) (export, remove []string, err error) {
	s, _, err := d.observe(ctx, sys, []Container{b})
	if err != nil {
		return nil, nil, err
	}
	todo := s.resolve(b).ToDo
	return slices.DeleteFunc(todo.Export, func(at string) bool { return at == s.path.at }), todo.Remove, nil
}

func (s *snapshot) stages(b Container, old manager.Container, candidate, backup string, answering []string) []Stage {
	fresh := b
	fresh.Pull = false // or another image might take the name of this one
	stages := []Stage{
		{"set the old container aside", []plan.Step{s.manager().Run("stop", old.ID), s.manager().Rename(old, b.Name+backupSuffix)}},
		{"call the new image " + b.Image, []plan.Step{s.manager().Tag(candidate, b.Image)}},
		{"create the new container", s.createSteps(fresh)},
		{"start it, which runs its hooks", []plan.Step{s.started(b)}},
	}
	if s.exportsSomething(b.Container) || len(b.ExportedApps) > 0 {
		stages = append(stages, Stage{"export its programs", s.exports(b)})
	}
	if script := s.trial(b, answering); script != "" {
		stages = append(stages, Stage{"try its programs", []plan.Step{s.enter(b.Name, script)}})
	}
	return append(stages, Stage{"keep the old container as " + backup, []plan.Step{s.manager().Rename(old, backup)}})
}

// trialScript looks for programs in a container, and asks some for their version.
const trialScript = `# bkt
status=0
fail() { echo "$1" >&2; status=1; }
has() { test -f "$1" && test -x "$1" || fail "program $1 does not exist"; }
answers() {
	if ! test -x "$1"; then fail "program $1 does not exist"
	elif ! "$1" --version </dev/null >/dev/null 2>&1; then fail "$1 --version does not answer"; fi
}
`

// trial returns the script that tries the programs that a container must have, "" if
// it must have none.
func (d Domain) trial(b Container, answering []string) string {
	var calls []string
	if d.exportsSomething(b.Container) {
		for _, program := range b.Bins.Also {
			calls = append(calls, "has ", d.expand(program))
		}
	}
	for _, program := range answering {
		calls = append(calls, "answers ", program)
	}
	var out script
	for i := 0; i < len(calls); i += 2 { // what cannot be quoted, no manifest can hold
		out.write(calls[i], calls[i+1])
	}
	if out.text.Len() == 0 {
		return ""
	}
	return trialScript + out.text.String() + "exit $status\n"
}
