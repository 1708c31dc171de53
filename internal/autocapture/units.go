package autocapture

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/domains"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/ownpath"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"
	"bkt/internal/plan"
	"bkt/internal/workspace"
	"bkt/packaging"
)

// PlanEnable plans to have systemd run auto-capture for the repository, at each login
// and from now on: its units, and with push the setting of git that has it push. It
// fails if git could not commit there. The units run the bkt that s has started.
func PlanEnable(ctx context.Context, w workspace.Workspace, s ownpath.Start, push bool) (plan.Plan, error) {
	git := gitRepo{w.Repo.Root}
	if err := git.checkConfig(ctx); err != nil {
		return nil, err
	}
	if _, err := w.Repo.WorkTree(ctx, host.Query{}); err != nil {
		return nil, err
	}
	if err := git.checkIdentity(ctx); err != nil {
		return nil, err
	}
	all, err := units(w, s)
	if err != nil {
		return nil, err
	}
	p, err := planUnitFiles(w, all)
	if err != nil {
		return nil, err
	}
	start, err := planStart(ctx, w, len(p) > 0)
	if err != nil {
		return nil, err
	}
	p = append(p, start...)
	if !push {
		return p, nil
	}
	pushes, err := git.pushes(ctx)
	if err != nil || pushes {
		return p, err
	}
	return append(p, git.setPushes(plan.Add, pushKey, "true")), nil
}

// PlanDisable plans to undo what [PlanEnable] planned. With an error, the plan has all
// steps that are still possible.
func PlanDisable(ctx context.Context, w workspace.Workspace) (plan.Plan, error) {
	p, err := planStop(ctx, w)
	if err != nil || !host.Installed("git") {
		return p, err
	}
	git := gitRepo{w.Repo.Root}
	pushes, err := git.pushes(ctx)
	if pushes {
		p = append(p, git.setPushes(plan.Remove, "--unset", pushKey))
	}
	return p, err
}

// enabledHere returns the names of the enabled units of the repository: with one of them,
// systemd runs auto-capture.
func enabledHere(w workspace.Workspace) ([]string, error) {
	links, err := enabledUnits(w)
	isOurs := isOf(w)
	return slices.DeleteFunc(links, func(name string) bool { return !isOurs(name) }), err
}

// packagedUnits is the folder where packages install units for all users, and
// userUnits the one for those of one user (systemd.unit(5)).
const packagedUnits = "/usr/lib/systemd/user"

// packagedProgram is the program that packaged units run.
const packagedProgram = "/usr/bin/bkt"

func userUnits(w workspace.Workspace) string {
	return filepath.Join(w.Folders.Config, "systemd", "user")
}

// planUnitFiles plans to write the unit files, unless a package has installed those
// that suit the paths of this system.
func planUnitFiles(w workspace.Workspace, all []packaging.Unit) (plan.Plan, error) {
	var p plan.Plan
	var errs []error
	for _, u := range all {
		path := filepath.Join(userUnits(w), u.Name)
		old, err := plainfile.Read(path, plainfile.MaxText)
		packaged, errPackaged := plainfile.Read(filepath.Join(packagedUnits, u.Name), plainfile.MaxText)
		switch {
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			errs = append(errs, patherr.TrimOp(err))
		case err == nil && !packaging.Written(old):
			errs = append(errs, hint.Add(fmt.Errorf("%s: bkt did not write this file", path), "move it away"))
		case err != nil && errPackaged == nil && string(packaged) == string(u.Text):
		default:
			p = append(p, plan.Rewrite(path, path, old, u.Text)...)
		}
	}
	return p, errors.Join(errs...)
}

// units returns the units for the paths of this system, which run the bkt that s has
// started.
func units(w workspace.Workspace, s ownpath.Start) ([]packaging.Unit, error) {
	program, err := s.Stable()
	if err != nil {
		return nil, err
	}
	return unitsFor(w, program)
}

// unitsFor returns the units for the paths of this system, which run program.
func unitsFor(w workspace.Workspace, program string) ([]packaging.Unit, error) {
	installations := domains.Flatpak(w.Folders)
	all, err := packaging.Capture(packaging.Machine{
		Program: program,
		Home:    w.Folders.Home, ConfigHome: w.Folders.Config, DataHome: w.Folders.Data,
		FlatpakUser: installations.User, FlatpakSystem: installations.System,
	})
	return all, hint.Add(err, "install bkt in another directory")
}

// planStart plans to enable and start the units of the repository. It is empty if they
// are enabled and active, unless the unit files change.
func planStart(ctx context.Context, w workspace.Workspace, filesChange bool) (plan.Plan, error) {
	names := packaging.Instances(w.Repo.Root)
	out, err := askSystemd(ctx, append([]string{"show", "--property=UnitFileState,ActiveState", "--"}, names...)...)
	if err != nil {
		return nil, err
	}
	running := strings.Count(string(out), "ActiveState=active") == len(names) && strings.Count(string(out), "UnitFileState=enabled") == len(names)
	if running && !filesChange {
		return nil, nil
	}
	restart := systemctl(append([]string{"restart", "--"}, names...)...)
	restart.Verify = verifyCount(len(names), names)
	steps := []plan.Step{systemctl("daemon-reload"), systemctl(append([]string{"enable", "--"}, names...)...), restart}
	return plan.Plan{{Op: plan.Add, Targets: names, Steps: steps, Hint: "see what is wrong with \"systemctl --user status " + strings.Join(names, " ") + "\""}}, nil
}

// countUnits checks how many units are enabled and active: the exit status of systemctl
// does not say so.
const countUnits = `want=$1
shift
are=$(systemctl --user show --property=UnitFileState,ActiveState -- "$@") || exit
for state in UnitFileState=enabled ActiveState=active; do
	if test "$(echo "$are" | grep -cxF $state)" != "$want"; then
		echo "systemctl reported success, but the number of units with $state among $* is not $want" >&2
		exit 1
	fi
done`

// verifyCount returns the command that checks that so many of some units are enabled
// and active.
func verifyCount(want int, names []string) []string {
	return append([]string{"sh", "-c", countUnits, "sh", fmt.Sprint(want)}, names...)
}

func systemctl(args ...string) plan.Run {
	return plan.Run{Argv: append([]string{"systemctl", "--user"}, args...)}
}

// askSystemd asks the user's systemd.
func askSystemd(ctx context.Context, args ...string) ([]byte, error) {
	out, err := host.Query{}.Output(ctx, systemctl(args...))
	return out, hint.Add(err, "run it in a login session, or start systemd for this user with \"loginctl enable-linger\"")
}

// planStop plans to stop the units of the repository, and to remove the unit files if
// no other repository needs them.
func planStop(ctx context.Context, w workspace.Workspace) (plan.Plan, error) {
	var p plan.Plan
	names := packaging.Instances(w.Repo.Root)
	links, err := enabledUnits(w)
	if err != nil {
		return nil, err
	}
	isOurs := isOf(w)
	if slices.ContainsFunc(links, isOurs) {
		if _, err := askSystemd(ctx, "show", "--property=Version"); err != nil {
			return nil, err
		}
		disable := systemctl(append([]string{"disable", "--now", "--"}, names...)...)
		disable.Verify = verifyCount(0, names)
		p = append(p, plan.Change{Op: plan.Remove, Targets: names, Steps: []plan.Step{disable}})
	}
	if slices.ContainsFunc(links, func(name string) bool { return !isOurs(name) }) {
		return p, nil
	}
	remove, err := planRemoveFiles(w)
	if err != nil {
		return nil, err
	}
	return append(p, remove...), nil
}

// planRemoveFiles plans to remove the unit files that bkt wrote.
func planRemoveFiles(w workspace.Workspace) (plan.Plan, error) {
	all, err := unitsFor(w, packagedProgram)
	remove := plan.Change{Op: plan.Remove}
	for _, u := range all {
		path := filepath.Join(userUnits(w), u.Name)
		text, errRead := plainfile.Read(path, plainfile.MaxText)
		err = errors.Join(err, patherr.TrimOp(patherr.UnlessMissing(errRead)))
		if errRead == nil && packaging.Written(text) {
			remove.Targets = append(remove.Targets, path)
			remove.Steps = append(remove.Steps, plan.Delete{Path: path})
		}
	}
	if err != nil || len(remove.Targets) == 0 {
		return nil, err
	}
	remove.Steps = append(remove.Steps, systemctl("daemon-reload"))
	return plan.Plan{remove}, nil
}

// isOf returns a function that reports whether a unit belongs to the repository.
func isOf(w workspace.Workspace) func(name string) bool {
	names := packaging.Instances(w.Repo.Root)
	return func(name string) bool { return slices.Contains(names, name) }
}

// enabledUnits returns the names of the auto-capture units that are enabled, of all
// repositories.
func enabledUnits(w workspace.Workspace) ([]string, error) {
	var names []string
	for _, target := range []string{"timers.target.wants", "paths.target.wants"} {
		links, err := os.ReadDir(filepath.Join(userUnits(w), target))
		if err = patherr.UnlessMissing(err); err != nil {
			return names, patherr.TrimOp(err)
		}
		for _, l := range links {
			if strings.HasPrefix(l.Name(), packaging.Prefix) {
				names = append(names, l.Name())
			}
		}
	}
	return names, nil
}
