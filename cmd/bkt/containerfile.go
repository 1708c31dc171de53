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
	Check checkCmd `cmd:"" help:"Check that managed sections are up to date, and lint the Containerfiles."`
	Why   whyCmd   `cmd:"" help:"Show which manifest entry generated a line."`
}

// files are the arguments of commands on Containerfiles.
type files struct {
	Files []string `arg:"" optional:"" name:"file" help:"Containerfiles (default: Containerfile and toolbox/Containerfile)."`
}

// variants returns notes about files that have sections and that the command does not read.
func (f files) variants(r repo.Repo) []finding.Finding {
	if len(f.Files) > 0 {
		return nil
	}
	return containerfile.Variants(r)
}

type syncCmd struct {
	ui.Mode
	files
	Staged bool   `xor:"source" help:"Also render the files in git's index (for a pre-commit hook)."`
	Insert bool   `xor:"source" help:"Add missing sections for which a manifest has entries."`
	Stage  string `placeholder:"NAME" help:"With --insert, the stage for new sections, by name or number (default: the last one, or the one that all images of the file are FROM)."`
	Take   string `enum:"manifest,text," default:"" placeholder:"SIDE" help:"What to do with text in sections that no manifest has: manifest drops it, text moves it into the manifests (default: fail)."`
}

// Run renders the managed sections: all files, or none.
func (c *syncCmd) Run(ctx context.Context, a *app) error {
	if c.Staged && c.Take != "" {
		return hint.Add(errors.New("--staged and --take can't be used together"), "use --take without --staged, and stage the files that it writes")
	}
	if c.Stage != "" && !c.Insert {
		return hint.Add(errors.New("--stage needs --insert"), "run \"bkt containerfile sync --insert --stage %s\"", c.Stage)
	}
	r, err := c.repository(a)
	if err != nil {
		return err
	}
	hidden, pending := c.Staged && os.Getenv("PRE_COMMIT") != "", false
	err = a.change(ctx, r, c.Mode, func() (plan.Plan, error) {
		p, err := c.plan(ctx, a, r, hidden)
		pending = len(p) > 0
		a.Quiet = a.Quiet || c.Staged && !pending // at each commit, that is no news
		return p, err
	})
	if hidden && pending {
		a.Note("to commit it, run \"bkt containerfile sync --staged\" first")
	}
	return err
}

// repository returns the repository to render. A hook is about the one of the commit, and it
// does nothing if that has no images.
func (c *syncCmd) repository(a *app) (repo.Repo, error) {
	if !c.Staged {
		return a.images()
	}
	r, err := repo.Find(".")
	r.Links = a.links
	return r, err
}

// plan plans the rendering of the work tree and, with --staged, of the index. hidden says
// that pre-commit hides unstaged edits.
func (c *syncCmd) plan(ctx context.Context, a *app, r repo.Repo, hidden bool) (plan.Plan, error) {
	switch {
	case hidden:
		return containerfile.SyncHidden(ctx, a, r, c.Files, c.options())
	case c.Staged:
		return containerfile.SyncStaged(ctx, a, r, c.Files, c.options())
	}
	names, err := containerfile.Names(r, c.Files)
	if err != nil {
		return nil, err
	}
	for _, v := range c.variants(r) {
		a.Note("%v", v)
	}
	return containerfile.Sync(ctx, a, r, names, c.options())
}

func (c *syncCmd) options() containerfile.SyncOptions {
	o := syncOptions(c.Mode)
	o.Insert, o.Stage, o.Take = c.Insert, c.Stage, c.Take
	return o
}

func syncOptions(m ui.Mode) containerfile.SyncOptions {
	return containerfile.SyncOptions{Check: m.Check, DryRun: m.DryRun}
}

// change locks the repository, plans, and finishes the plan.
func (a *app) change(ctx context.Context, r repo.Repo, m ui.Mode, makePlan func() (plan.Plan, error)) error {
	unlock, err := a.lock(ctx, r, m)
	if err != nil {
		return err
	}
	defer unlock()
	p, err := makePlan()
	if err != nil {
		return err
	}
	return a.Finish(ctx, host.Executor{}, p, m)
}

// lock locks the repository against other processes of bkt until unlock is called. A
// preview needs no lock.
func (a *app) lock(ctx context.Context, r repo.Repo, m ui.Mode) (unlock func(), err error) {
	if m.Preview() {
		return func() {}, nil
	}
	a.noteRepo(r, !a.Verbose)
	lock, err := r.Lock(ctx, func() { a.Note("waiting for another bkt to finish") })
	if err != nil {
		return nil, err
	}
	return func() { lock.Close() }, nil
}

type checkCmd struct {
	files
	SARIF bool `name:"sarif" help:"Print findings as SARIF, for code scanners."`
}

// Run reports stale sections and the findings of the linter.
func (c *checkCmd) Run(ctx context.Context, a *app) error {
	if !c.SARIF && !a.JSON {
		return (&syncCmd{Mode: ui.Mode{Check: true}, files: c.files}).Run(ctx, a)
	}
	r, err := a.images()
	if err != nil {
		return err
	}
	names, err := containerfile.Names(r, c.Files)
	if err != nil {
		return err
	}
	findings, p, failed := containerfile.Check(ctx, r, names)
	findings = append(findings, c.variants(r)...)
	err = errors.Join(c.print(a, findings, p), failed)
	if err == nil && len(p) > 0 {
		err = ui.ErrPending
	}
	return err
}

func (c *checkCmd) print(a *app, findings []finding.Finding, p plan.Plan) error {
	if c.SARIF {
		return a.PrintJSON(finding.ToSARIF(version.String(), findings))
	}
	return a.PrintJSON(checkJSON{ui.AsJSON(p), append([]finding.Finding{}, findings...)})
}

// checkJSON is the output of --json.
type checkJSON struct {
	ui.PlanJSON
	Findings []finding.Finding `json:"findings"`
}
