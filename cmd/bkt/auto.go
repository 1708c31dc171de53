package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"bkt/internal/autocapture"
	"bkt/internal/host"
	"bkt/internal/live"
	"bkt/internal/ui"
)

type autoCmd struct {
	Enable  autoEnableCmd  `cmd:"" help:"Enable automatic capture and commit (systemd user timer)."`
	Disable autoDisableCmd `cmd:"" help:"Disable automatic capture, and undo what enable has changed."`
	Status  autoStatusCmd  `cmd:"" help:"Show the last run of automatic capture, and what is waiting."`
	Run     autoRunCmd     `cmd:"" help:"Run automatic capture once."`
}

type autoEnableCmd struct {
	ui.Mode
	placeFlags
	Push bool `help:"Also push each commit to a branch of this computer, and open a pull request with gh."`
}

// Run installs the units that are missing, and starts them.
func (c *autoEnableCmd) Run(ctx context.Context, a *app) error {
	s, err := a.findDesktop(c.placeFlags)
	if err != nil {
		return err
	}
	a.noteRepo(s.Repo, !a.Verbose)
	p, err := autocapture.PlanEnable(ctx, s.Workspace, a.start(s.Folders), c.Push)
	if err != nil {
		return err
	}
	return a.FinishSteps(ctx, host.Executor{}, p, c.Mode)
}

type autoDisableCmd struct {
	ui.Mode
	placeFlags
}

// Run undoes what enable has changed.
func (c *autoDisableCmd) Run(ctx context.Context, a *app) error {
	s, err := a.findDesktop(c.placeFlags)
	if err != nil {
		return err
	}
	p, err := autocapture.PlanDisable(ctx, s.Workspace)
	if err != nil && len(p) == 0 {
		return err
	}
	return errors.Join(a.FinishSteps(ctx, host.Executor{}, p, c.Mode), err)
}

type autoRunCmd struct {
	ui.Mode
	placeFlags
	Debounce time.Duration `aliases:"settle" default:"1m" env:"BKT_AUTO_CAPTURE_SETTLE" placeholder:"TIME" help:"Capture only what has been unchanged for this long (default: 1m)."`
	Wait     bool          `help:"Wait until changes have been stable for that long (used by the systemd units)."`
	Limit    time.Duration `default:"5m" placeholder:"TIME" help:"Time limit for git commit, with its hooks (default: 5m)."`
	Push     bool          `help:"Push to a branch of this computer, and open a pull request with gh."`
}

// Run captures what changed on the system alone, and commits it.
func (c *autoRunCmd) Run(ctx context.Context, a *app) error {
	s, err := a.findDesktop(c.placeFlags)
	if err != nil {
		return err
	}
	o := autocapture.Options{Debounce: c.Debounce, Wait: c.Wait, CommitTimeout: c.Limit, Push: c.Push, MaxNames: a.maxNamed()}
	if !c.Preview() {
		return autocapture.Run(ctx, s, o, autoReporter{a})
	}
	found, p, problems, err := autocapture.Preview(ctx, s, o, autoReporter{a})
	if err != nil {
		return err
	}
	err = a.printPreview(found.Domains, found.Items, live.ToManifest, p, c.Mode)
	a.notes(live.Notes(found.Items, a.maxNamed(), found.Waiting))
	return errors.Join(err, problems)
}

// An autoReporter prints what a run of auto-capture does.
type autoReporter struct{ *app }

// Report prints what was captured, and why other items wait.
func (a autoReporter) Report(o autocapture.Outcome) error {
	if a.Quiet && !a.JSON {
		return nil
	}
	err := a.printOutcome(o.Domains, o.Items, live.ToManifest)
	a.notes(live.Notes(o.Items, a.maxNamed(), o.Waiting))
	return err
}

type autoStatusCmd struct{}

// Run prints what auto-capture did last.
func (c *autoStatusCmd) Run(a *app) error {
	s, err := live.FindDesktop(a.links)
	if err != nil {
		return err
	}
	st := autocapture.ReadStatus(s.Workspace)
	return a.PrintResult(st, autoStatusText(st))
}

// autoStatusText returns the status of auto-capture for people.
func autoStatusText(st autocapture.Status) string {
	var out strings.Builder
	out.WriteString("auto-capture: " + autoStatusLine(st) + "\n")
	for _, p := range st.UnitProblems {
		fmt.Fprintf(&out, "  systemd cannot run it: %s\n", strings.Join(append([]string{p.Message}, p.Hints...), "\n    "))
	}
	if st.FailingSince != nil {
		fmt.Fprintf(&out, "  failing since %s\n", minutes(*st.FailingSince))
	}
	for _, p := range st.Problems {
		fmt.Fprintf(&out, "  %s\n", strings.ReplaceAll(p, "\n", "\n    "))
	}
	for _, p := range st.Pending {
		if p.Reason != "" {
			fmt.Fprintf(&out, "  waiting: %s %s: %s\n", p.Domain, p.Key, p.Reason)
		}
	}
	for _, line := range st.Unread {
		fmt.Fprintf(&out, "  not read: %s\n", line)
	}
	if len(st.Uncommitted) > 0 {
		fmt.Fprintf(&out, "  written and not committed: %s\n", strings.Join(st.Uncommitted, ", "))
	}
	return out.String()
}

// autoStatusLine returns the status of auto-capture in one line.
func autoStatusLine(st autocapture.Status) string {
	parts := []string{"not enabled (run \"bkt auto-capture enable\" to capture automatically)"}
	if st.Enabled {
		parts = []string{"enabled"}
	}
	if len(st.UnitProblems) > 0 {
		parts = []string{"enabled, but does not run"}
	}
	if st.LastRun != nil {
		result := string(st.Result)
		if st.Result == autocapture.Nothing && len(st.Unread) > 0 {
			result += " in what could be read"
		}
		parts = append(parts, fmt.Sprintf("last run %s: %s", minutes(*st.LastRun), result))
	}
	if st.Committed != nil {
		parts = append(parts, fmt.Sprintf("last commit %s %s, of %s", minutes(*st.Committed), st.Commit, live.Amount(st.Captured)))
	}
	if st.Branch != "" {
		parts = append(parts, "pushed to "+st.Branch)
	}
	return strings.Join(parts, "; ")
}

// minutes returns a time to the minute.
func minutes(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }
