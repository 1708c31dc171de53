package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"bkt/gen"
	"bkt/internal/hint"
	"bkt/internal/plan"
	"bkt/internal/repo"
)

type containerfileCmd struct {
	Sync  syncCmd  `cmd:"" help:"Render the managed sections in place."`
	Check checkCmd `cmd:"" help:"Say what sync would change, and what BuildKit's linter finds."`
}

// files are the arguments of commands on Containerfiles.
type files struct {
	Files []string `arg:"" optional:"" name:"file" help:"Containerfiles (default: Containerfile and toolbox/Containerfile)."`
}

type syncCmd struct {
	mode
	files
}

// Run renders the managed sections: all files, or none.
func (c *syncCmd) Run(ctx context.Context, a *app) error {
	r, err := repo.Find(".")
	if err != nil {
		return err
	}
	if !c.Check && !c.DryRun {
		lock, err := r.Lock(ctx, func() { a.progress("waiting for another bkt to finish") })
		if err != nil {
			return err
		}
		defer lock.Close()
	}
	p, err := a.renderAll(ctx, r, c.Files)
	if err != nil {
		return err
	}
	return a.finish(ctx, p, c.mode)
}

type checkCmd struct{ files }

// Run says what sync would change.
func (c *checkCmd) Run(ctx context.Context, a *app) error {
	return (&syncCmd{mode{Check: true}, c.files}).Run(ctx, a)
}

// progress says on stderr what is being done.
func (a *app) progress(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.err, "bkt: "+format+"\n", args...)
	}
}

// renderAll renders the given Containerfiles, or those that the repository has.
func (a *app) renderAll(ctx context.Context, r repo.Repo, files []string) (plan.Plan, error) {
	names, err := containerfiles(r, files)
	if err != nil {
		return nil, err
	}
	rendered := make([]rendering, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() { rendered[i] = render(ctx, r, name) })
	}
	wg.Wait()
	var p plan.Plan
	var errs []error
	for _, f := range rendered {
		a.warn(f.warnings)
		p, errs = append(p, f.plan...), append(errs, f.err)
	}
	return p, errors.Join(errs...)
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
	plan     plan.Plan
	warnings []error
	err      error
}

func render(ctx context.Context, r repo.Repo, name string) rendering {
	old, err := os.ReadFile(r.Path(name))
	if err != nil {
		return rendering{err: fmt.Errorf("%s: %w", name, errors.Unwrap(err))}
	}
	res, err := gen.Render(name, old, r.FS())
	if err != nil {
		return rendering{err: err}
	}
	findings, err := gen.Lint(ctx, name, res)
	if err != nil {
		err = hint.Add(err, "BuildKit cannot read this file")
	}
	return rendering{plan.Rewrite(r.Path(name), name, old, res.Text), append(res.Warnings, findings...), err}
}
