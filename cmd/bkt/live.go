package main

import (
	"context"
	"errors"
	"os"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/live"
	"bkt/internal/plan"
	"bkt/internal/report"
	"bkt/internal/shell"
	"bkt/internal/ui"
	"bkt/internal/workspace"
)

// placeFlags say where a command about the running system may run.
type placeFlags struct {
	Here bool `help:"In a container of distrobox or toolbox: work on the container itself, not on the host (default: $BKT_HERE, which is 1 for yes)."`
}

// checkHost returns an error in a container of distrobox or toolbox, unless --here or the
// variable BKT_HERE says that it is meant.
func (a *app) checkHost(f placeFlags) error {
	if f.Here || os.Getenv("BKT_HERE") == "1" {
		return nil
	}
	command := []string{"bkt"}
	for _, arg := range a.args {
		command = append(command, shell.Show(arg))
	}
	return workspace.CheckHost(strings.Join(command, " "))
}

// findDesktop returns the system of commands about the user's own desktop.
func (a *app) findDesktop(f placeFlags) (live.System, error) {
	s, err := live.FindDesktop(a.links)
	if err == nil {
		a.Warn(workspace.WarnRoot(s.Repo.Root))
	}
	a.noteRepo(s.Repo, a.Verbose)
	return s, errors.Join(err, a.checkHost(f))
}

// domainArgs are the domains that a command is about.
type domainArgs struct {
	placeFlags
	Domains []string `arg:"" optional:"" name:"domain" help:"Domains, e.g. flatpak-apps, or flatpak for all whose names begin with it (default: all). DOMAIN:KEY selects items; * matches any text."`
}

// liveFlags are those of capture and apply.
type liveFlags struct {
	ui.Mode
	domainArgs
	Yes  bool   `short:"y" help:"Do not ask for confirmation."`
	Pick bool   `short:"i" name:"interactive" help:"Select items interactively."`
	Take string `enum:"live,manifest," default:"" placeholder:"SIDE" help:"Which side wins a conflict: live (this system) or manifest (default: none)."`
}

// begin locks the repository and looks at the domains. end finishes the work: unless
// the command only prints what would change, it keeps what was looked up for later
// commands.
func (a *app) begin(ctx context.Context, s live.System, f liveFlags) (domains []*live.Domain, end func(), err error) {
	if err := s.CheckNames(f.Domains); err != nil {
		return nil, nil, err
	}
	unlock, err := a.lock(ctx, s.Repo, f.Mode)
	if err != nil {
		return nil, nil, err
	}
	domains, err = s.Look(ctx, f.Domains)
	if err != nil {
		unlock()
		return nil, nil, err
	}
	return domains, func() {
		if !f.Preview() {
			a.saveCache(s)
		}
		unlock()
	}, nil
}

// saveCache keeps what was looked up for later commands. Without it, they take longer.
func (a *app) saveCache(s live.System) {
	if err := s.Cache.Save(); err != nil {
		a.Note("facts about the system are not saved: %v", err)
	}
}

// problems names what could not be read in domains, and returns their problems.
func (a *app) problems(domains []*live.Domain) error {
	report.Unread(&a.Printer, domains)
	return live.Problems(domains)
}

// refusals joins the errors of items.
func (a *app) refusals(items []live.Item) error { return live.Refusals(items, a.maxNamed()) }

// maxNamed returns how many items a note names.
func (a *app) maxNamed() int { return report.Limit(&a.Printer) }

func (a *app) notes(lines []string) { report.Notes(&a.Printer, lines) }

// printPreview prints what would change. For --check, changes are an error.
func (a *app) printPreview(domains []*live.Domain, items []live.Item, to live.Direction, p plan.Plan, m ui.Mode) error {
	return m.Run(func() (bool, error) { return report.Preview(&a.Printer, domains, items, to, p) }, nil)
}

func (a *app) printOutcome(domains []*live.Domain, items []live.Item, to live.Direction) error {
	return report.Outcome(&a.Printer, domains, items, to)
}

// errNoTerminal returns the error of what, which needs a terminal.
func errNoTerminal(what, instead string) error {
	return hint.Add(errors.New(what+" needs a terminal"), "%s", instead)
}
