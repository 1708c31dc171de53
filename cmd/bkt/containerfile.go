package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"bkt/gen"
	"bkt/internal/crash"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/repo"
	"bkt/internal/ui"
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
		return a.syncStaged(ctx, r, c.Files, c.Mode)
	}
	names, err := containerfiles(r, c.Files)
	if err != nil {
		return err
	}
	p, err := c.plan(ctx, a, r, names)
	if err != nil {
		return err
	}
	return a.Finish(ctx, host.Executor{}, p, c.Mode)
}

// plan is what sync does to the files that names are of.
func (c *syncCmd) plan(ctx context.Context, a *app, r repo.Repo, names []string) (plan.Plan, error) {
	if c.Take == takeText {
		return a.take(ctx, r, names, c.source())
	}
	rendered, err := a.renderAll(ctx, r.FS(), names, c.source())
	if err != nil {
		return nil, err
	}
	if c.Take == takeManifest {
		a.drop(ctx, r, rendered)
	} else {
		err = a.keep(ctx, r, r.FS(), rendered, c.Mode)
	}
	return rewrites(r, rendered), err
}

// syncStaged renders what is staged from what is staged, and the work tree from
// the work tree, so that each is right in itself. A work tree that is not fit
// for that keeps no one from committing.
func (a *app) syncStaged(ctx context.Context, r repo.Repo, files []string, m ui.Mode) error {
	index, err := r.Staged(ctx, host.Git{})
	if err != nil {
		return err
	}
	names, err := stagedFiles(r, index, files)
	if err != nil {
		return err
	}
	staged, err := a.renderAll(ctx, index, names, asIs)
	if err != nil {
		return err
	}
	// What only the work tree's manifests have would be lost to the commit.
	if err := a.keep(ctx, r, index, staged, m); err != nil {
		return err
	}
	if os.Getenv("PRE_COMMIT") != "" {
		return a.syncHidden(ctx, r, staged, m)
	}
	var p plan.Plan
	for _, f := range staged {
		p = append(p, plan.Restage(r.Root, f.name, f.old, f.text)...)
	}
	for _, name := range names {
		if !r.Has(name) { // gone from the work tree, which need not stop a commit
			continue
		}
		f := render(ctx, r.FS(), name, asIs)
		if f.err == nil {
			f.err = a.keep(ctx, r, r.FS(), []rendering{f}, strict(m), index)
		}
		if f.err == nil {
			p = append(p, rewrites(r, []rendering{f})...)
			continue
		}
		a.Warn([]error{fmt.Errorf("left alone in the work tree: %w", f.err)})
	}
	return a.Finish(ctx, host.Executor{}, p, m)
}

// strict is m, but for what stops a command: --check stops at it as well.
func strict(m ui.Mode) ui.Mode {
	if m.Check {
		return ui.Mode{DryRun: true}
	}
	return m
}

// syncHidden writes what was rendered of what is staged into the work tree, for
// pre-commit (https://pre-commit.com). That hides what is not staged while its
// hooks run. If it cannot put that back on top of what a hook has changed, it
// takes the files from the index again; had the hook changed the index, too, the
// user's edits would be lost. The index is left alone, and the commit ends there.
func (a *app) syncHidden(ctx context.Context, r repo.Repo, staged []rendering, m ui.Mode) error {
	var p plan.Plan
	var errs []error
	for _, f := range staged {
		if bytes.Equal(f.old, f.text) {
			continue
		}
		// Nothing is hidden if no commit is made (pre-commit run --all-files).
		if now, err := fs.ReadFile(r.FS(), f.name); err != nil || !bytes.Equal(now, f.old) {
			err := fmt.Errorf("%s (staged): the sections are not what the manifests say", f.name)
			errs = append(errs, hint.Add(err, "run \"bkt containerfile sync --staged\""))
			continue
		}
		p = append(p, rewrites(r, []rendering{f})...)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	err := a.Finish(ctx, host.Executor{}, p, m)
	if len(p) > 0 {
		a.Note("to commit it, run \"bkt containerfile sync --staged\" first")
	}
	return err
}

// stagedFiles returns those of the files that the user has named, or of the
// usual ones, that are staged.
func stagedFiles(r repo.Repo, index fs.FS, files []string) ([]string, error) {
	var names []string
	for _, f := range files {
		name, err := r.Name(f)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	if len(files) == 0 {
		for _, k := range gen.Kinds() {
			names = append(names, gen.Containerfile(k))
		}
	}
	return slices.DeleteFunc(names, func(name string) bool {
		_, err := fs.Stat(index, name)
		return errors.Is(err, fs.ErrNotExist)
	}), nil
}

// lock keeps other bkts from changing the repository until unlock is called. It
// does nothing for commands that change nothing.
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

// A source gives the text that the sections of a file are rendered in.
type source func(name string, old []byte, files fs.FS) ([]byte, error)

// asIs is the source that is the file itself.
func asIs(_ string, old []byte, _ fs.FS) ([]byte, error) { return old, nil }

func (c *syncCmd) source() source {
	if c.Insert {
		return gen.Insert
	}
	return asIs
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
	names, err := containerfiles(r, c.Files)
	if err != nil {
		return err
	}
	return c.report(ctx, a, r, names)
}

// report prints all that is found as data, errors too.
func (c *checkCmd) report(ctx context.Context, a *app, r repo.Repo, names []string) error {
	findings := []findingJSON{}
	var rendered []rendering
	var errs []error
	for _, name := range names {
		f := render(ctx, r.FS(), name, asIs)
		findings = append(findings, asFindings("warning", f.warnings)...)
		findings = append(findings, asFindings("error", hint.Split(f.err))...)
		rendered, errs = append(rendered, f), append(errs, f.err)
	}
	findings = distinct(findings)
	if err := errors.Join(errs...); err != nil {
		return errors.Join(c.print(a, findings, nil), err)
	}
	p := rewrites(r, rendered)
	findings = append(findings, asFindings("error", unsaved(ctx, r, rendered))...)
	for _, change := range p {
		stale := gen.Finding{Rule: "stale", Entry: gen.Entry{File: change.Targets[0]}, Message: "the sections are not what the manifests say"}
		findings = append(findings, asFindings("error", []error{hint.Add(stale, "run \"bkt containerfile sync\"")})...)
	}
	err := c.print(a, findings, p)
	if err == nil && len(p) > 0 {
		err = ui.ErrPending
	}
	return err
}

func (c *checkCmd) print(a *app, findings []findingJSON, p plan.Plan) error {
	if c.SARIF {
		return a.PrintJSON(asSARIF(findings))
	}
	return a.PrintJSON(struct {
		ui.PlanJSON
		Findings []findingJSON `json:"findings"`
	}{ui.AsJSON(p), findings})
}

// containerfiles returns the paths in the repository of the files that the
// user has named, or of those that are there.
func containerfiles(r repo.Repo, files []string) ([]string, error) {
	var names []string
	for _, f := range files {
		name, err := r.Name(f)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(files) > 0 {
		return names, nil
	}
	for _, k := range gen.Kinds() {
		if r.Has(gen.Containerfile(k)) {
			names = append(names, gen.Containerfile(k))
		}
	}
	return names, nil
}

// A rendering is what came of one Containerfile.
type rendering struct {
	name      string
	old, text []byte
	src       []byte // what is rendered: old, and the sections that were added to it
	warnings  []error
	err       error
}

// renderAll renders Containerfiles of a repository, given as its files, and
// says what there is to warn about.
func (a *app) renderAll(ctx context.Context, files fs.FS, names []string, src source) ([]rendering, error) {
	rendered := make([]rendering, len(names))
	var wg crash.Group
	for i, name := range names {
		wg.Go(func() { rendered[i] = render(ctx, files, name, src) })
	}
	wg.Wait()
	var errs, warnings []error
	for _, f := range rendered {
		for _, w := range f.warnings {
			// What two files are rendered from is warned about once.
			if !slices.ContainsFunc(warnings, func(said error) bool { return said.Error() == w.Error() }) {
				warnings = append(warnings, w)
			}
		}
		for _, e := range hint.Split(f.err) {
			if !slices.ContainsFunc(errs, func(said error) bool { return said.Error() == e.Error() }) {
				errs = append(errs, e)
			}
		}
	}
	a.Warn(warnings)
	return rendered, errors.Join(errs...)
}

func render(ctx context.Context, files fs.FS, name string, src source) rendering {
	old, err := fs.ReadFile(files, name)
	if err != nil {
		return rendering{err: patherr.Trim(err)}
	}
	text, err := src(name, old, files)
	if err != nil {
		return rendering{err: err}
	}
	res, err := gen.Render(name, text, files)
	if err != nil {
		return rendering{err: err}
	}
	findings, err := gen.Lint(ctx, name, res)
	return rendering{name, old, res.Text, text, append(res.Warnings, findings...), err}
}

// manifestRewrites is the plan that writes manifests, given by their names.
func manifestRewrites(r repo.Repo, texts map[string][]byte) (plan.Plan, error) {
	var p plan.Plan
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		old, err := fs.ReadFile(r.FS(), name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, patherr.Trim(err)
		}
		p = append(p, plan.Rewrite(r.Path(name), name, old, texts[name])...)
	}
	return p, nil
}

// rewrites is the plan that writes what was rendered.
func rewrites(r repo.Repo, rendered []rendering) plan.Plan {
	var p plan.Plan
	for _, f := range rendered {
		p = append(p, plan.Rewrite(r.Path(f.name), f.name, f.old, f.text)...)
	}
	return p
}
