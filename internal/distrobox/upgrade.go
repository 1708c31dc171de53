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
	Was      string   // the beginning of the id of the image of the container
	Same     bool     // only the image changes
	Backup   string   // the name of the old container after the upgrade
	DataLoss []string // files and packages that only the old container has
	Stages   []Stage  // each needs those before it
	Undo     Stage    // restores the old container, after any number of stages
	Remove   Stage    // removes the old container, after all stages
}

// A Stage is a part of an upgrade.
type Stage struct {
	Title string
	Steps []plan.Step
}

// Upgrade returns the stages that recreate an existing container from an image that will
// have the name candidate. The image gets its name from the manifest. At the end, each
// program at a path in answering must print its version. The old container gets a name
// that ends in suffix.
//
// If bkt is killed during an upgrade, the next apply completes it.
func (d Domain) Upgrade(ctx context.Context, sys reconcile.System, c Container, candidate string, answering []string, suffix string) (Upgrade, error) {
	if c.Root {
		err := fmt.Errorf("container %s belongs to root", c.Name)
		return Upgrade{}, hint.Add(err, "bkt does not recreate containers of root: see distrobox-rm(1) and distrobox-create(1)")
	}
	s, _, err := d.observe(ctx, sys, []Container{c})
	if err != nil {
		return Upgrade{}, err
	}
	old, there := s.containers[c.Name]
	if _, aside := s.backups[c.Name]; aside {
		err := fmt.Errorf("container %s was being recreated when bkt was stopped", c.Name)
		return Upgrade{}, hint.Add(err, `run "bkt apply distrobox" first`)
	}
	if !there {
		return Upgrade{}, missing(c.Name)
	}
	if steps := s.createSteps(c); isRefused(steps) {
		return Upgrade{}, steps[0].(plan.Fail).Reason
	}
	made, _, _ := s.observed(old, c.Name, index([]Container{c}))
	u := Upgrade{Was: old.ImageID, Same: sameCreation(made.Container, c.Container), Backup: c.Name + suffix, DataLoss: d.changesSinceImage(ctx, sys, old, made.Volume, slices.Concat(made.Packages, c.Packages))}
	u.Stages = s.stages(c, old, candidate, u.Backup, answering)
	u.Undo = Stage{"restore the old container", []plan.Step{d.manager().RollBack(old, c.Name, c.Name+backupSuffix), s.manager().RestoreName(s.images.ID(c.Image), c.Image)}}
	u.Remove = Stage{"remove the old container", []plan.Step{d.manager().Remove(old, u.Backup)}}
	return u, nil
}

// Stale returns the steps that remove the wrappers of a container for programs that it
// does not have.
func (d Domain) Stale(ctx context.Context, sys reconcile.System, c Container) ([]plan.Step, error) {
	_, remove, err := d.missingAndStale(ctx, sys, c)
	var steps []plan.Step
	for _, at := range remove {
		steps = append(steps, plan.Delete{Path: at})
	}
	return steps, err
}

// Lacking returns an error if the host lacks exports of a container, even if the commands
// that export them have reported success.
func (d Domain) Lacking(ctx context.Context, sys reconcile.System, c Container) error {
	export, _, err := d.missingAndStale(ctx, sys, c)
	if err == nil && len(export) > 0 {
		err = fmt.Errorf("not exported: %s", manager.Few(export))
	}
	return err
}

// missingAndStale returns the exports of a container that are missing, without the
// file with PATH, which apply writes, and those that are no longer declared.
func (d Domain) missingAndStale(ctx context.Context, sys reconcile.System, c Container) (export, remove []string, err error) {
	s, _, err := d.observe(ctx, sys, []Container{c})
	if err != nil {
		return nil, nil, err
	}
	todo := s.resolve(c).ToDo
	return slices.DeleteFunc(todo.Export, func(at string) bool { return at == s.path.at }), todo.Remove, nil
}

func (s *snapshot) stages(c Container, old manager.Container, candidate, backup string, answering []string) []Stage {
	fresh := c
	fresh.Pull = false // a pull might give the name to another image
	stages := []Stage{
		{"rename the old container", []plan.Step{s.manager().Run("stop", old.ID), s.manager().Rename(old, c.Name+backupSuffix)}},
		{"name the new image " + c.Image, []plan.Step{s.manager().Tag(candidate, c.Image)}},
		{"create the new container", s.createSteps(fresh)},
		{"start it, which runs its hooks", []plan.Step{s.started(c)}},
	}
	if s.exportsSomething(c.Container) || len(c.ExportedApps) > 0 {
		stages = append(stages, Stage{"export its programs", s.exports(c)})
	}
	if script := s.trial(c, answering); script != "" {
		stages = append(stages, Stage{"try its programs", []plan.Step{s.enter(c.Name, script)}})
	}
	return append(stages, Stage{"keep the old container as " + backup, []plan.Step{s.manager().Rename(old, backup)}})
}

// trialScript checks that programs exist in a container, and that some print their
// version.
const trialScript = `# bkt
status=0
fail() { echo "$1" >&2; status=1; }
has() { test -f "$1" && test -x "$1" || fail "program $1 does not exist"; }
answers() {
	if ! test -x "$1"; then fail "program $1 does not exist"
	elif ! "$1" --version </dev/null >/dev/null 2>&1; then fail "$1 --version does not answer"; fi
}
`

// trial returns the script that tests the required programs of a container, "" if no
// program is required.
func (d Domain) trial(c Container, answering []string) string {
	var calls []string
	if d.exportsSomething(c.Container) {
		for _, program := range c.Bins.Also {
			calls = append(calls, "has ", d.expand(program.Path))
		}
	}
	for _, program := range answering {
		calls = append(calls, "answers ", program)
	}
	var out script
	for i := 0; i < len(calls); i += 2 { // manifests have no words that cannot be quoted
		out.write(calls[i], calls[i+1])
	}
	if out.text.Len() == 0 {
		return ""
	}
	return trialScript + out.text.String() + "exit $status\n"
}
