package main

import (
	"context"
	"errors"
	"os"

	"bkt/internal/containerfile"
	"bkt/internal/finding"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/plan"
	"bkt/internal/repo"
	"bkt/internal/ui"
	"bkt/internal/version"
)

type containerfileCmd struct {
	Sync  syncCmd  `cmd:"" help:"Render the managed sections in place."`
	Check checkCmd `cmd:"" help:"Say what sync would change, and what BuildKit's linter finds."`
	Why   whyCmd   `cmd:"" help:"Say which entry of a manifest a line comes from."`
}

// files are the arguments of commands on Containerfiles.
type files struct {
	Files []string `arg:"" optional:"" name:"file" help:"Containerfiles (default: Containerfile and toolbox/Containerfile)."`
}

type syncCmd struct {
	ui.Mode
	files
	Staged bool   `xor:"source" help:"Render what is staged in git's index, too: for a pre-commit hook."`
	Insert bool   `xor:"source" help:"Add the sections that a file lacks and that a manifest has entries for."`
	Take   string `enum:"manifest,text," default:"" placeholder:"SIDE" help:"Decide about text in sections that comes from no manifest: manifest drops it, text takes it into the manifests."`
}

// Run renders the managed sections: all files, or none.
func (c *syncCmd) Run(ctx context.Context, a *app) error {
	if c.Staged && c.Take != "" {
		return hint.Add(errors.New("--staged and --take can't be used together"), "decide in the work tree, and stage what it writes")
	}
	r, err := repo.Find(".")
	if err != nil {
		return err
	}
	unlock, err := a.lock(ctx, r, c.Mode)
	if err != nil {
		return err
	}
	defer unlock()
	if c.Staged {
		return c.staged(ctx, a, r)
	}
	names, err := containerfile.Names(r, c.Files)
	if err != nil {
		return err
	}
	p, err := containerfile.Sync(ctx, a, r, names, c.options())
	if err != nil {
		return err
	}
	return a.Finish(ctx, host.Executor{}, p, c.Mode)
}

func (c *syncCmd) options() containerfile.SyncOptions {
	o := syncOptions(c.Mode)
	o.Insert, o.Take = c.Insert, c.Take
	return o
}

func syncOptions(m ui.Mode) containerfile.SyncOptions {
	return containerfile.SyncOptions{Check: m.Check, DryRun: m.DryRun}
}

// staged renders what is staged.
func (c *syncCmd) staged(ctx context.Context, a *app, r repo.Repo) error {
	sync, hidden := containerfile.SyncStaged, os.Getenv("PRE_COMMIT") != ""
	if hidden {
		sync = containerfile.SyncHidden
	}
	p, err := sync(ctx, a, r, c.Files, c.options())
	if err != nil {
		return err
	}
	err = a.Finish(ctx, host.Executor{}, p, c.Mode)
	if hidden && len(p) > 0 {
		a.Note("to commit it, run \"bkt containerfile sync --staged\" first")
	}
	return err
}

// lock keeps other bkts from changing the repository until unlock is called. For
// commands that change nothing, it does nothing.
func (a *app) lock(ctx context.Context, r repo.Repo, m ui.Mode) (unlock func(), err error) {
	if m.Check || m.DryRun {
		return func() {}, nil
	}
	lock, err := r.Lock(ctx, func() { a.Note("waiting for another bkt to finish") })
	if err != nil {
		return nil, err
	}
	return func() { lock.Close() }, nil
}

type checkCmd struct {
	files
	SARIF bool `name:"sarif" help:"Print what is found in the format of code scanners."`
}

// Run says what sync would change, and what is wrong or worth knowing.
func (c *checkCmd) Run(ctx context.Context, a *app) error {
	if !c.SARIF && !a.JSON {
		return (&syncCmd{Mode: ui.Mode{Check: true}, files: c.files}).Run(ctx, a)
	}
	r, err := repo.Find(".")
	if err != nil {
		return err
	}
	names, err := containerfile.Names(r, c.Files)
	if err != nil {
		return err
	}
	return c.report(ctx, a, r, names)
}

// report prints all that is found as data, errors too.
func (c *checkCmd) report(ctx context.Context, a *app, r repo.Repo, names []string) error {
	var findings []finding.Finding
	var rendered []containerfile.Rendering
	var errs []error
	for _, name := range names {
		f := containerfile.Render(ctx, r.FS(), name, containerfile.Unchanged)
		findings = append(findings, finding.From(finding.Warning, f.Warnings...)...)
		findings = append(findings, finding.From(finding.Error, hint.Split(f.Err)...)...)
		rendered, errs = append(rendered, f), append(errs, f.Err)
	}
	findings = finding.Distinct(findings)
	if err := errors.Join(errs...); err != nil {
		return errors.Join(c.print(a, findings, nil), err)
	}
	p := containerfile.Rewrites(r, rendered)
	findings = append(findings, finding.From(finding.Error, containerfile.Unsaved(ctx, r, rendered)...)...)
	for _, change := range p {
		findings = append(findings, finding.Finding{
			Rule: "stale", Level: finding.Error, Place: finding.Place{File: change.Targets[0]},
			Message: "the sections are not what the manifests say", Fix: []string{"run \"bkt containerfile sync\""},
		})
	}
	err := c.print(a, findings, p)
	if err == nil && len(p) > 0 {
		err = ui.ErrPending
	}
	return err
}

func (c *checkCmd) print(a *app, findings []finding.Finding, p plan.Plan) error {
	if c.SARIF {
		return a.PrintJSON(finding.ToSARIF(version.String(), findings))
	}
	return a.PrintJSON(struct {
		ui.PlanJSON
		Findings []finding.Finding `json:"findings"`
	}{ui.AsJSON(p), findings})
}
