package main

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
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/ui"
	"bkt/packaging"
)

type autoCmd struct {
	Enable  autoEnableCmd  `cmd:"" help:"Have systemd capture and commit by itself, for this user and repository."`
	Disable autoDisableCmd `cmd:"" help:"Take back what enable has done."`
	Status  autoStatusCmd  `cmd:"" help:"Tell what auto-capture did last, and what it waits for."`
	Run     autoRunCmd     `cmd:"" help:"Capture and commit now what has changed on this system alone."`
}

type autoEnableCmd struct {
	ui.Mode
	Push bool `help:"Push each commit to a branch of this computer, too, and open a pull request with gh."`
}

// Run installs the units that are not there, and starts them.
func (c *autoEnableCmd) Run(ctx context.Context, a *app) error {
	s, err := thisDesktop()
	if err != nil {
		return err
	}
	tree, err := s.Repo.WorkTree(ctx, host.Query{})
	if err != nil {
		return err
	}
	r := &autoRound{a: a, system: s, tree: tree}
	if err := r.identified(ctx); err != nil {
		return err
	}
	p, err := s.unitFiles()
	if err != nil {
		return err
	}
	start, err := s.starting(ctx, len(p) > 0)
	if err != nil {
		return err
	}
	p = append(p, start...)
	if c.Push {
		pushes, err := r.pushes(ctx)
		if err != nil {
			return err
		}
		if !pushes {
			p = append(p, s.configured(plan.Add, pushKey, "true"))
		}
	}
	return a.finishSteps(ctx, p, c.Mode)
}

// pushes reports whether what is committed is pushed, by the configuration. A
// configuration that cannot be read does not say that it is not.
func (r *autoRound) pushes(ctx context.Context) (bool, error) {
	value, err := r.git(ctx, nil, "config", "--type=bool", "--get", pushKey)
	if ended, ok := errors.AsType[*host.ExitError](err); ok && ended.Status == 1 { // it does not say
		return false, nil
	}
	if err != nil {
		err = fmt.Errorf("whether to push is not known: %w", err)
	}
	return strings.TrimSpace(string(value)) == "true", err
}

// configured is what changes whether the repository is pushed.
func (s system) configured(op plan.Op, args ...string) plan.Change {
	return plan.Change{Op: op, Targets: []string{pushKey}, Steps: []plan.Step{
		plan.Run{Argv: append([]string{"git", "-C", s.Repo.Root, "config", "--local"}, args...)},
	}}
}

func (a *app) finishSteps(ctx context.Context, p plan.Plan, m ui.Mode) error {
	return a.FinishSteps(ctx, host.Executor{}, p, m)
}

// packagedUnits is where packages install units for all users, and userUnits
// where those of one user go (systemd.unit(5)).
const packagedUnits = "/usr/lib/systemd/user"

func (s system) userUnits() string { return filepath.Join(s.Folders.Config, "systemd", "user") }

// unitFiles is the plan that makes the units be there: a package's, if they are
// for where things are on this system.
func (s system) unitFiles() (plan.Plan, error) {
	units, err := s.units()
	if err != nil {
		return nil, err
	}
	var p plan.Plan
	var errs []error
	for _, u := range units {
		path := filepath.Join(s.userUnits(), u.Name)
		old, err := os.ReadFile(path)
		packaged, errPackaged := os.ReadFile(filepath.Join(packagedUnits, u.Name))
		switch {
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			errs = append(errs, patherr.Trim(err))
		case err == nil && !packaging.Written(old):
			errs = append(errs, hint.Add(fmt.Errorf("%s: was not written by bkt", path), "move it away"))
		case err != nil && errPackaged == nil && string(packaged) == string(u.Text):
		default:
			p = append(p, plan.Rewrite(path, path, old, u.Text)...)
		}
	}
	return p, errors.Join(errs...)
}

func (s system) units() ([]packaging.Unit, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	installations := domains.Flatpak(s.Folders)
	units, err := packaging.Capture(packaging.Machine{
		Program: program,
		Home:    s.Folders.Home, ConfigHome: s.Folders.Config, DataHome: s.Folders.Data,
		FlatpakUser: installations.User, FlatpakSystem: installations.System,
	})
	return units, hint.Add(err, "have bkt lie elsewhere")
}

// starting is the plan that starts the units of the repository, now and at each
// login. changed says that their files are other ones now.
func (s system) starting(ctx context.Context, changed bool) (plan.Plan, error) {
	names := packaging.Instances(s.Repo.Root)
	out, err := systemctl(ctx, append([]string{"show", "--property=UnitFileState,ActiveState", "--"}, names...)...)
	if err != nil {
		return nil, err
	}
	running := strings.Count(string(out), "ActiveState=active") == len(names) && strings.Count(string(out), "UnitFileState=enabled") == len(names)
	if running && !changed {
		return nil, nil
	}
	restart := userManager(append([]string{"restart", "--"}, names...)...)
	restart.Verify = unitsAre(fmt.Sprint(len(names)), names)
	steps := []plan.Step{userManager("daemon-reload"), userManager(append([]string{"enable", "--"}, names...)...), restart}
	return plan.Plan{{Op: plan.Add, Targets: names, Steps: steps, Hint: "see what is wrong with \"systemctl --user status " + strings.Join(names, " ") + "\""}}, nil
}

// counting checks how many of some units are enabled and run, whatever systemctl has
// said when it was to change that.
const counting = `want=$1
shift
are=$(systemctl --user show --property=UnitFileState,ActiveState -- "$@") || exit
for state in UnitFileState=enabled ActiveState=active; do
	if test "$(echo "$are" | grep -cxF $state)" != "$want"; then
		echo "systemctl says that it has done this, but of $* not $want have $state" >&2
		exit 1
	fi
done`

func unitsAre(many string, names []string) []string {
	return append([]string{"sh", "-c", counting, "sh", many}, names...)
}

func userManager(args ...string) plan.Run {
	return plan.Run{Argv: append([]string{"systemctl", "--user"}, args...)}
}

func systemctl(ctx context.Context, args ...string) ([]byte, error) {
	out, err := host.Query{}.Output(ctx, userManager(args...))
	return out, hint.Add(err, "run it in a session that systemd has begun, or have one without logging in: \"loginctl enable-linger\"")
}

type autoDisableCmd struct {
	ui.Mode
}

// Run takes back what enable has done, and nothing else.
func (c *autoDisableCmd) Run(ctx context.Context, a *app) error {
	s, err := thisDesktop()
	if err != nil {
		return err
	}
	p, err := s.stopping(ctx)
	if err != nil {
		return err
	}
	stay, err := s.notPushing(ctx)
	return errors.Join(a.finishSteps(ctx, append(p, stay...), c.Mode), err)
}

// notPushing is the plan that has the repository no longer pushed.
func (s system) notPushing(ctx context.Context) (plan.Plan, error) {
	if !host.Installed("git") {
		return nil, nil
	}
	pushes, err := (&autoRound{system: s}).pushes(ctx)
	if !pushes {
		return nil, err
	}
	return plan.Plan{s.configured(plan.Remove, "--unset", pushKey)}, nil
}

// stopping is the plan that stops the units of the repository, and takes those
// away that no other repository needs.
func (s system) stopping(ctx context.Context) (plan.Plan, error) {
	var p plan.Plan
	names := packaging.Instances(s.Repo.Root)
	links, err := s.autoLinks()
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(links, s.isOurs) {
		if _, err := systemctl(ctx, "show", "--property=Version"); err != nil {
			return nil, err
		}
		disable := userManager(append([]string{"disable", "--now", "--"}, names...)...)
		disable.Verify = unitsAre("0", names)
		p = append(p, plan.Change{Op: plan.Remove, Targets: names, Steps: []plan.Step{disable}})
	}
	if slices.ContainsFunc(links, func(name string) bool { return !s.isOurs(name) }) {
		return p, nil // another repository needs the units
	}
	units, err := s.units()
	remove := plan.Change{Op: plan.Remove}
	for _, u := range units {
		path := filepath.Join(s.userUnits(), u.Name)
		text, errRead := os.ReadFile(path)
		err = errors.Join(err, patherr.Trim(patherr.UnlessMissing(errRead)))
		if errRead == nil && packaging.Written(text) {
			remove.Targets = append(remove.Targets, path)
			remove.Steps = append(remove.Steps, plan.Delete{Path: path})
		}
	}
	if len(remove.Targets) > 0 {
		remove.Steps = append(remove.Steps, userManager("daemon-reload"))
		p = append(p, remove)
	}
	return p, err
}

// autoEnabled reports whether systemd captures this repository by itself.
func (s system) autoEnabled() (bool, error) {
	links, err := s.autoLinks()
	return slices.ContainsFunc(links, s.isOurs), err
}

func (s system) isOurs(name string) bool {
	return slices.Contains(packaging.Instances(s.Repo.Root), name)
}

// autoLinks returns the names of the units that are enabled, of all repositories.
func (s system) autoLinks() ([]string, error) {
	var names []string
	for _, target := range []string{"timers.target.wants", "paths.target.wants"} {
		links, err := os.ReadDir(filepath.Join(s.userUnits(), target))
		if err = patherr.UnlessMissing(err); err != nil {
			return names, patherr.Trim(err)
		}
		for _, l := range links {
			if strings.HasPrefix(l.Name(), packaging.Prefix) {
				names = append(names, l.Name())
			}
		}
	}
	return names, nil
}

type autoStatusCmd struct{}

// Run prints what auto-capture did last.
func (c *autoStatusCmd) Run(a *app) error {
	s, err := thisDesktop()
	if err != nil {
		return err
	}
	st := s.autoStatus()
	if a.JSON {
		return a.PrintJSON(st)
	}
	_, err = a.Out.Write([]byte(st.text()))
	return err
}
