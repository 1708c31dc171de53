package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bkt/internal/finding"
	"bkt/internal/hint"
	"bkt/internal/hook"
	"bkt/internal/hook/lint"
	"bkt/internal/hook/rehearse"
	"bkt/internal/pipeline"
	"bkt/internal/shell"
	"bkt/internal/version"
)

// hookCmd are the commands for the init hooks of containers. init installs the
// git hook.
type hookCmd struct {
	Check hookCheckCmd `cmd:"" help:"Lint init hooks for commands that are not safe to run at every start."`
}

type hookCheckCmd struct {
	Containers []string `arg:"" optional:"" name:"container" help:"Containers in manifests/distrobox.json (default: all)."`
	SARIF      bool     `name:"sarif" help:"Print findings as SARIF, for code scanners."`

	ToRun       bool           `name:"run" help:"Also run the hooks, each in the image of its container, twice: the second run must change nothing."`
	OldHome     string         `placeholder:"OLD" help:"With --run: also run the hooks in a copy of the home OLD, without keys and other private files and without network, or in the home that they create in the image oci-layout://DIR. The result must equal that of a new home."`
	OldHomeWith []string       `sep:"none" placeholder:"PATH" help:"With --old-home: also copy PATH, a file or folder in OLD that is left out otherwise. Can be repeated."`
	Timeout     *time.Duration `placeholder:"TIME" help:"With --run: time limit for each run of a hook (default: 5m)."`
	sourceFlags `embed:""`
}

// Run reports the rules that hooks break. A finding that is not only a warning is an error.
func (c *hookCheckCmd) Run(ctx context.Context, a *app) error {
	if err := c.check(); err != nil {
		return err
	}
	r, err := a.repository()
	if err != nil {
		return err
	}
	m, err := hook.Read(r.FS())
	if err != nil {
		return err
	}
	hooks, err := m.Hooks(c.Containers...)
	if err != nil {
		return err
	}
	var ran pipeline.Rehearsed
	if c.ToRun {
		if ran, err = c.hookOptions(a).RunHooks(ctx, a, r, m, hooks); err != nil {
			return errors.Join(hook.Err(append(lint.Check(hooks), ran.Found...)), err)
		}
	}
	found := append(lint.Check(hooks), ran.Found...)
	if !c.SARIF && !a.JSON {
		a.Warn(hook.Warnings(found))
		a.noteIgnored(ran)
	}
	return errors.Join(c.print(a, len(hooks), found, ran), hook.Err(found), ran.Failed)
}

// check returns an error for flags that mean nothing without --run, and for a time limit
// that no hook can keep.
func (c *hookCheckCmd) check() error {
	flag, value := "", ""
	switch {
	case c.ToRun && c.Timeout != nil && *c.Timeout <= 0:
		return hint.Add(fmt.Errorf("--timeout %v: a time limit is longer than 0", *c.Timeout), "name one, as in --timeout=10m; the default is %v", pipeline.HookLimit)
	case c.ToRun:
		return nil
	case c.OldHome != "":
		flag, value = "--old-home", c.OldHome
	case len(c.OldHomeWith) > 0:
		flag, value = "--old-home-with", c.OldHomeWith[0]
	case c.Timeout != nil:
		flag, value = "--timeout", c.Timeout.String()
	default:
		return nil
	}
	return hint.Add(fmt.Errorf("%s needs --run: without it, no hook runs", flag), "add it: bkt hook check --run %s=%s", flag, shell.Show(value))
}

func (c *hookCheckCmd) hookOptions(a *app) pipeline.HookOptions {
	o := pipeline.HookOptions{Options: c.options(a), OldHome: c.OldHome, OldHomeWith: c.OldHomeWith, Limit: pipeline.HookLimit}
	if c.Timeout != nil {
		o.Limit = *c.Timeout
	}
	return o
}

// noteIgnored says which paths differed after a run although no hook is blamed.
func (a *app) noteIgnored(ran pipeline.Rehearsed) {
	const most = 10
	for n, i := range ran.Ignored {
		if n == most {
			a.Note("ignored: %d more (--json has all)", len(ran.Ignored)-most)
			break
		}
		a.Note("ignored in %s: %s (%s)", i.Container, i.Path, i.Reason)
	}
}

// ranJSON is what --run adds to the output of --json.
type ranJSON struct {
	Run     int                `json:"run"`    // how many hooks were run
	NotRun  int                `json:"notRun"` // how many were not, each with a finding
	Ignored []rehearse.Ignored `json:"ignored"`
}

// hookCheckJSON is the output of --json.
type hookCheckJSON struct {
	Version  int            `json:"version"`
	Hooks    int            `json:"hooks"` // how many were checked
	Findings []hook.Finding `json:"findings"`
	*ranJSON
	Warnings []warningJSON `json:"warnings,omitempty"`
}

// print prints the findings, and how many hooks were checked.
func (c *hookCheckCmd) print(a *app, hooks int, found []hook.Finding, ran pipeline.Rehearsed) error {
	var more *ranJSON
	if c.ToRun {
		more = &ranJSON{hooks - ran.NotRun(), ran.NotRun(), append([]rehearse.Ignored{}, ran.Ignored...)}
	}
	switch {
	case c.SARIF:
		var findings []finding.Finding
		for _, f := range found {
			findings = append(findings, f.Finding)
		}
		return a.PrintJSON(finding.ToSARIF(version.String(), findings))
	case a.JSON:
		return a.PrintJSON(hookCheckJSON{1, hooks, append([]hook.Finding{}, found...), more, a.warnings})
	case a.Quiet:
		return nil
	}
	warnings := len(hook.Warnings(found))
	text := fmt.Sprintf("hooks checked: %d, problems: %d", hooks, len(found)-warnings)
	if warnings > 0 {
		text += fmt.Sprintf(", warnings: %d", warnings)
	}
	if more != nil {
		text += fmt.Sprintf(", run: %d, not run: %d", more.Run, more.NotRun)
	}
	_, err := fmt.Fprintln(a.Out, text)
	return err
}
