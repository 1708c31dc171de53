package distrobox

import (
	"path"
	"path/filepath"
	"slices"

	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// Plan implements [reconcile.Domain].
func (d *Domain) Plan(diffs []reconcile.Diff[Box]) []plan.Change {
	var p []plan.Change
	for _, diff := range diffs {
		switch have, want := diff.Have, diff.Want; {
		case want == nil:
			p = append(p, d.remove(*have))
		case have == nil:
			p = append(p, d.create(*want)...)
		case !sameMade(have.Box, want.Box), !sameImage(*have, *want):
			p = append(p, d.recreate(*have, *want)...)
		case d.isUnfinished(*want):
			p = append(p, d.giveBack(*want))
		default:
			p = append(p, d.finish(*want)...)
			p = append(p, d.export(*have, *want, len(want.ToDo.Export) > 0)...)
		}
	}
	return p
}

// removing removes a box. distrobox may fail after that, over icons that it does
// not find.
const removing = `manager=$1 name=$2
shift 2
"$@" || ! "$manager" inspect --type container "$name" >/dev/null 2>&1`

// remove removes a box and what the host has from it.
func (d *Domain) remove(b Box) plan.Change {
	argv := []string{"sh", "-c", removing, "sh", d.Manager, b.Name, "distrobox", "rm", "--force", b.Name}
	if b.Root {
		argv = append(argv[:len(argv)-1], "--root", b.Name)
	}
	c := plan.Change{Op: plan.Remove, Targets: []string{b.Name}, Steps: []plan.Step{plan.Run{Argv: argv}}}
	wrappers := d.wrappersOf(b.Name)
	for _, at := range sortedKeys(wrappers) {
		if filepath.Dir(at) != baked {
			c.Steps = append(c.Steps, plan.Delete{Path: at})
		}
	}
	for _, a := range d.seen.apps {
		if a.box == b.Name {
			c.Steps = append(c.Steps, plan.Delete{Path: a.at})
		}
	}
	return c
}

func (d *Domain) create(b Box) []plan.Change {
	steps := d.making(b)
	made := plan.Change{Op: plan.Add, Targets: []string{b.Name}, Steps: steps, Hint: hintPackages(b)}
	return append([]plan.Change{made}, d.export(b, b, true)...)
}

// hintPackages says what is the matter with old releases of distrobox.
func hintPackages(b Box) string {
	if len(b.Packages) == 0 {
		return ""
	}
	return "should distrobox not know --additional-packages: packages take release 1.5 or a newer one"
}

// isUnfinished reports whether the box is gone that was being made anew.
func (d *Domain) isUnfinished(b Box) bool {
	_, there := d.seen.containers[b.Name]
	return !there
}

// recreate makes a box anew. The old one is put aside and, as soon as the new one
// has started, removed.
func (d *Domain) recreate(have, b Box) []plan.Change {
	old, aside := d.seen.aside[b.Name]
	now, there := d.seen.containers[b.Name]
	c := plan.Change{Op: plan.Modify, Targets: []string{b.Name}, Loses: d.seen.loses[b.Name], Hint: hintPackages(b)}
	if b.Pull || b.ImageID == "" { // while the old one still runs
		c.Steps = append(c.Steps, d.run("pull", b.Image))
	}
	switch {
	case there && aside: // the new one did not become what it should be: the old one stays the old one
		c.Loses = append(c.Loses, "the old box, "+old.name)
		c.Steps = append(c.Steps, d.run("rm", "--force", "--volumes", now.id))
	case there:
		old = now
		c.Steps = append(c.Steps, d.run("stop", old.id), d.run("rename", old.id, b.Name+asideSuffix))
	}
	c.Steps = append(c.Steps, d.making(b)...)
	c.Steps = append(c.Steps, started(b), d.run("rm", "--force", "--volumes", old.id))
	c.Undo = []plan.Step{d.bringBack(b.Name, old)}
	return append([]plan.Change{c}, d.export(have, b, true)...)
}

func (d *Domain) run(args ...string) plan.Run {
	return plan.Run{Argv: append([]string{d.Manager}, args...)}
}

// bringingBack gives a box its name back, unless it has it still, and removes
// what has the name meanwhile. It makes sure of the name, as a manager takes the
// beginning of an id for one, too.
const bringingBack = `has=$("$1" inspect --type container --format '{{.Id}} {{.Name}}' "$2")
case $has in
"$3 "*) ;;
*" $2" | *" /$2") "$1" rm --force --volumes "${has%% *}" && "$1" rename "$3" "$2" ;;
*) "$1" rename "$3" "$2" ;;
esac
if test "$4" = true; then "$1" start "$3"; fi`

func (d *Domain) bringBack(name string, old container) plan.Run {
	running := "false"
	if old.running {
		running = "true"
	}
	return plan.Run{Argv: []string{"sh", "-c", bringingBack, "sh", d.Manager, name, old.id, running}}
}

// giveBack gives a box its name that was put aside, and is as it should be.
func (d *Domain) giveBack(b Box) plan.Change {
	return plan.Change{Op: plan.Modify, Targets: []string{b.Name}, Steps: []plan.Step{d.run("rename", d.seen.aside[b.Name].id, b.Name)}}
}

// finish removes the old box of which there is a new one, if that one starts. If
// it does not, both stay: either may be the one that was used last.
func (d *Domain) finish(b Box) []plan.Change {
	old, aside := d.seen.aside[b.Name]
	if !aside {
		return nil
	}
	steps := []plan.Step{started(b), d.run("rm", "--force", "--volumes", old.id)}
	return []plan.Change{{Op: plan.Modify, Targets: []string{b.Name}, Loses: []string{"the old box, " + old.name}, Steps: steps}}
}

// started starts a box, which runs its hooks.
func started(b Box) plan.Step { return enter(b.Name, "# bkt\nexit 0\n") }

// export brings the exports of a box up to date. What goes is a file of the host:
// the box is needed for the rest alone, which is done if enter says so.
func (d *Domain) export(have, b Box, enter bool) []plan.Change {
	var steps []plan.Step
	for _, at := range d.superfluous(have, b) {
		steps = append(steps, plan.Delete{Path: at})
	}
	if d.exportsSomething(b.Box) && d.seen.path.text != "" {
		steps = append(steps, plan.Put{Path: d.seen.path.at, Text: []byte(d.seen.path.text)})
	}
	if enter && (d.exportsSomething(b.Box) || len(b.ExportedApps) > 0) && !slices.Equal(b.ToDo.Export, []string{d.seen.path.at}) {
		steps = append(steps, d.exports(b)...)
	}
	if len(steps) == 0 {
		return nil
	}
	return []plan.Change{{Op: plan.Modify, Targets: []string{b.Name}, Steps: steps}}
}

// superfluous returns what the host has from a box and should not have any more:
// what bkt has exported, and what someone else has, if it was declared.
func (d *Domain) superfluous(have, want Box) []string {
	all := slices.Clone(want.ToDo.Remove)
	dir, _ := d.to(want.Box)
	wrappers := d.wrappersOf(want.Name)
	for _, program := range have.Bins.Also {
		at := path.Join(dir, path.Base(program))
		if !slices.Contains(want.Bins.Also, program) && wrappers[at].program == d.expand(program) && !slices.Contains(all, at) {
			all = append(all, at)
		}
	}
	for _, a := range d.seen.apps {
		was, is := slices.ContainsFunc(have.ExportedApps, a.is), slices.ContainsFunc(want.ExportedApps, a.is)
		if a.box == want.Name && was && !is && !slices.Contains(all, a.at) {
			all = append(all, a.at)
		}
	}
	return all
}

// making returns the steps that make a box.
func (d *Domain) making(b Box) []plan.Step {
	argv, err := d.createArgs(b)
	if err != nil {
		return []plan.Step{plan.Fail{Reason: err}}
	}
	return []plan.Step{plan.Run{Argv: argv}}
}
