package main

import (
	"context"
	"errors"
	"fmt"

	"bkt/internal/finding"
	"bkt/internal/hook"
	"bkt/internal/hook/lint"
	"bkt/internal/pipeline"
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

	ToRun       bool     `name:"run" help:"Also run the hooks in the toolbox image, twice: the second run must change nothing."`
	OldHome     string   `placeholder:"OLD" help:"With --run: also run the hooks in a copy of the home OLD, without keys and other private files and without network, or in the home that they create in the image oci-layout://DIR. The result must equal that of a new home."`
	OldHomeWith []string `sep:"none" placeholder:"PATH" help:"With --old-home: also copy PATH, a file or folder in OLD that is left out otherwise. Can be repeated."`
	sourceFlags `embed:""`
}

// Run reports the rules that hooks break. A finding that is not only a warning is an error.
func (c *hookCheckCmd) Run(ctx context.Context, a *app) error {
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
	found := lint.Check(hooks)
	if c.ToRun {
		o := pipeline.HookOptions{Options: c.options(a), OldHome: c.OldHome, OldHomeWith: c.OldHomeWith}
		ran, err := o.RunHooks(ctx, a, r, m.InToolbox(hooks))
		if err != nil {
			return err
		}
		found = append(found, ran...)
	}
	if !c.SARIF && !a.JSON {
		a.Warn(hook.Warnings(found))
	}
	return errors.Join(c.print(a, len(hooks), found), hook.Err(found))
}

// print prints the findings, and how many hooks were checked.
func (c *hookCheckCmd) print(a *app, hooks int, found []hook.Finding) error {
	switch {
	case c.SARIF:
		var findings []finding.Finding
		for _, f := range found {
			findings = append(findings, f.Finding)
		}
		return a.PrintJSON(finding.ToSARIF(version.String(), findings))
	case a.JSON:
		return a.PrintJSON(struct {
			Version  int            `json:"version"`
			Hooks    int            `json:"hooks"` // how many were checked
			Findings []hook.Finding `json:"findings"`
			Warnings []warningJSON  `json:"warnings,omitempty"`
		}{1, hooks, append([]hook.Finding{}, found...), a.warnings})
	case a.Quiet:
		return nil
	}
	warnings := len(hook.Warnings(found))
	text := fmt.Sprintf("hooks checked: %d, problems: %d", hooks, len(found)-warnings)
	if warnings > 0 {
		text += fmt.Sprintf(", warnings: %d", warnings)
	}
	_, err := fmt.Fprintln(a.Out, text)
	return err
}
