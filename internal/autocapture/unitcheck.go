package autocapture

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/ownpath"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"
	"bkt/internal/plan"
	"bkt/internal/workspace"
	"bkt/packaging"
)

// A UnitProblem is a reason why systemd does not run auto-capture although it is enabled,
// or will not after an upgrade.
type UnitProblem struct {
	error
	Fix plan.Plan // nil: only the user can
}

// Unwrap returns the error, for package hint.
func (p UnitProblem) Unwrap() error { return p.error }

const enableHint = `run "bkt auto-capture enable"`

// UnitProblems returns what is wrong with the units of auto-capture that are enabled, of
// all repositories. The fixed units run the bkt that s has started. An error says what could
// not be read.
func UnitProblems(w workspace.Workspace, s ownpath.Start) ([]UnitProblem, error) {
	enabled, err := enabledUnits(w)
	if len(enabled) == 0 {
		return nil, err
	}
	found, errBroken := brokenUnits(w, enabled)
	stale, errStale := staleUnits(w, s)
	all, errFix := fixUnits(w, s, enabled, append(found, stale...))
	return append(all, missingRepositories(enabled)...), errors.Join(err, errBroken, errStale, errFix)
}

// brokenUnits returns why systemd cannot run auto-capture for these enabled units.
func brokenUnits(w workspace.Workspace, enabled []string) (found []error, err error) {
	names, err := packaging.Names()
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, name := range names {
		unit, err := findUnit(w, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing := fmt.Errorf("%s does not exist, and %s needs it", name, strings.Join(enabled, " "))
			found = append(found, hint.Add(missing, enableHint))
		case err != nil:
			errs = append(errs, err)
		default:
			problems, err := unit.missingPrograms(w, enabled)
			found, errs = append(found, problems...), append(errs, err)
		}
	}
	return found, errors.Join(errs...)
}

// A foundUnit is the unit file that systemd reads for a name.
type foundUnit struct {
	name, path string
	text       []byte
}

// unitFolders are the folders of the units of a user, the one that counts first
// (systemd.unit(5)).
func unitFolders(w workspace.Workspace) []string {
	return []string{userUnits(w), "/etc/systemd/user", filepath.Join(w.Folders.Data, "systemd/user"), "/usr/local/lib/systemd/user", packagedUnits}
}

// findUnit finds and reads a unit file.
func findUnit(w workspace.Workspace, name string) (foundUnit, error) {
	for _, dir := range unitFolders(w) {
		path := filepath.Join(dir, name)
		text, err := plainfile.Read(path, plainfile.MaxText)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return foundUnit{name, path, text}, patherr.TrimOp(err)
		}
	}
	return foundUnit{}, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
}

// missingPrograms returns an error for each program that the unit runs and that does not
// exist. Its drop-ins count, and those of the enabled instances.
func (u foundUnit) missingPrograms(w workspace.Workspace, enabled []string) ([]error, error) {
	texts, errs := []foundUnit{u}, []error(nil)
	for _, name := range append([]string{u.name}, instancesOf(u.name, enabled)...) {
		for _, dir := range unitFolders(w) {
			paths, err := filepath.Glob(filepath.Join(globWord(filepath.Join(dir, name+".d")), "*.conf"))
			errs = append(errs, err)
			for _, path := range paths {
				text, err := plainfile.Read(path, plainfile.MaxText)
				texts, errs = append(texts, foundUnit{name, path, text}), append(errs, patherr.TrimOp(err))
			}
		}
	}
	var found []error
	for _, from := range texts {
		programs, replaces, err := packaging.Programs(from.text, w.Folders.Home)
		if replaces {
			found = nil
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", from.path, err))
		}
		for _, program := range programs {
			found = append(found, from.lacks(program)...)
		}
	}
	return found, errors.Join(errs...)
}

// lacks returns the error of a program that a unit runs, none if it exists.
func (u foundUnit) lacks(program string) []error {
	err := ownpath.Check(program)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s cannot run bkt: %w", u.path, err)
	if packaging.Written(u.text) {
		return []error{hint.Add(err, enableHint)}
	}
	return []error{hint.Add(err, "bkt did not write this file: correct its ExecStart")}
}

// instancesOf returns the names of the enabled units that belong to a template, as names of
// its instances: a service is not enabled itself.
func instancesOf(template string, enabled []string) []string {
	var names []string
	for _, name := range enabled {
		names = append(names, strings.TrimSuffix(name, filepath.Ext(name))+filepath.Ext(template))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// globWord returns a pattern that matches the path alone: names of units have backslashes.
func globWord(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// staleUnits returns what differs between the unit files that bkt wrote for this user and
// those that it would write now. If they run another bkt, that one knows what they should
// say; only if an upgrade removes it, that is a difference.
func staleUnits(w workspace.Workspace, s ownpath.Start) ([]error, error) {
	service, err := findUnit(w, packaging.Service)
	if err != nil || filepath.Dir(service.path) != userUnits(w) || !packaging.Written(service.text) {
		return nil, patherr.UnlessMissing(err)
	}
	programs, _, err := packaging.Programs(service.text, w.Folders.Home)
	if err != nil || len(programs) != 1 || ownpath.Check(programs[0]) != nil {
		return nil, err // a unit that is broken says so
	}
	program := programs[0]
	stable, err := s.Stable()
	if err != nil {
		return nil, err
	}
	if ownpath.IsTransient(program) && !ownpath.IsTransient(stable) {
		err := fmt.Errorf("%s runs %s, which the next upgrade or build of bkt replaces or removes; %s stays", service.path, program, stable)
		return []error{hint.Add(err, enableHint)}, nil
	}
	if !ownpath.IsRunning(program) {
		return nil, nil
	}
	all, err := unitsFor(w, program)
	if err != nil {
		return nil, err
	}
	changes, err := planUnitFiles(w, all)
	var found []error
	for _, c := range changes {
		err := fmt.Errorf("%s is not what this bkt writes: another version wrote it, or folders have moved", strings.Join(c.Targets, " "))
		found = append(found, hint.Add(err, enableHint))
	}
	return found, err
}

// fixUnits returns the problems with a plan that fixes them all: it writes the unit files,
// and has systemd read them. The first problem has it, because it is executed once. A
// problem that it does not fix has a file that bkt did not write.
func fixUnits(w workspace.Workspace, s ownpath.Start, enabled []string, found []error) ([]UnitProblem, error) {
	if len(found) == 0 {
		return nil, nil
	}
	all, err := units(w, s)
	if err != nil {
		return problems(found, nil), err
	}
	p, err := planUnitFiles(w, all)
	if err != nil || len(p) == 0 {
		return problems(found, nil), err
	}
	names := slices.DeleteFunc(slices.Clone(enabled), func(name string) bool { return repositoryIsMissing(name) })
	restart := systemctl(append([]string{"restart", "--"}, names...)...)
	restart.Verify = verifyCount(len(names), names)
	steps := []plan.Step{systemctl("daemon-reload")}
	if len(names) > 0 {
		steps = append(steps, restart)
	}
	p = append(p, plan.Change{Op: plan.Modify, Targets: enabled, Steps: steps})
	return problems(found, p), nil
}

// problems returns one problem for errors that one plan fixes, or one for each.
func problems(found []error, fix plan.Plan) []UnitProblem {
	if fix != nil {
		var texts []string
		for _, err := range found {
			texts = append(texts, err.Error())
		}
		return []UnitProblem{{hint.Copy(errors.New(strings.Join(texts, "; ")), errors.Join(found...)), fix}}
	}
	var all []UnitProblem
	for _, err := range found {
		all = append(all, UnitProblem{err, nil})
	}
	return all
}

// missingRepositories returns a problem for each repository that auto-capture is enabled
// for and that does not exist. It may be on a disk that is not mounted: bkt disables
// nothing itself.
func missingRepositories(enabled []string) []UnitProblem {
	byFolder := map[string][]string{}
	var folders []string
	for _, name := range enabled {
		if !repositoryIsMissing(name) {
			continue
		}
		dir := packaging.Folder(name)
		if byFolder[dir] == nil {
			folders = append(folders, dir)
		}
		byFolder[dir] = append(byFolder[dir], name)
	}
	var all []UnitProblem
	for _, dir := range folders {
		err := fmt.Errorf("auto-capture is enabled for %s, which does not exist", dir)
		words := systemctl(append([]string{"disable", "--now", "--"}, byFolder[dir]...)...).String()
		err = hint.Add(err, "if it is gone for good, run \"%s\"", words)
		all = append(all, UnitProblem{hint.Add(err, "if it has moved, run \"bkt auto-capture enable\" in its new folder"), nil})
	}
	return all
}

// repositoryIsMissing reports whether the folder of an enabled unit does not exist.
func repositoryIsMissing(name string) bool {
	_, err := os.Lstat(packaging.Folder(name))
	return errors.Is(err, fs.ErrNotExist)
}
