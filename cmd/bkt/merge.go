package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"bkt/internal/host"
	"bkt/internal/merge"
	"bkt/internal/mergedriver"
	"bkt/internal/plan"
	"bkt/internal/printable"
	"bkt/internal/ui"

	"charm.land/huh/v2"
)

type mergeManifestCmd struct {
	Base   string `arg:"" help:"File with the version before both changes (%O of git)."`
	Ours   string `arg:"" help:"File with our version, which the merge replaces (%A)."`
	Theirs string `arg:"" help:"File with their version (%B)."`
	Path   string `arg:"" help:"Path of the manifest in the repository (%P)."`
}

// Help implements kong's interface for help of several lines.
func (*mergeManifestCmd) Help() string {
	return "git runs this command for manifests (gitattributes(5)), as \"bkt init\" and \"bkt doctor --fix\" tell it to. " +
		"Exit status 0 means that both changes are in the file, 1 that someone has to look at it."
}

// Run merges a manifest. git waits for the file, so that an interrupt comes too late.
func (c *mergeManifestCmd) Run(ctx context.Context, _ *app) error {
	ctx = context.WithoutCancel(ctx)
	folder, err := os.Getwd()
	if err != nil {
		return err
	}
	f := mergedriver.Files{Folder: folder, Base: c.Base, Ours: c.Ours, Theirs: c.Theirs, Path: c.Path}
	p, unfinished := mergedriver.Merge(ctx, f)
	return errors.Join(unfinished, f.Execute(ctx, p))
}

// mergeArgs are the flags for conflicts of git's merges.
type mergeArgs struct {
	Take string `enum:"ours,theirs,base," default:"" placeholder:"SIDE" help:"Decide each conflict of a git merge in the manifests: ours, theirs or base, which is the state before both (default: ask)."`
}

// decide decides the conflicts that git's merges have left in manifests. It reports whether
// there is nothing else to do.
func (c mergeArgs) decide(ctx context.Context, a *app) (bool, error) {
	r, err := a.repository()
	if err != nil {
		return false, err
	}
	unlock, err := a.lock(ctx, r, ui.Mode{})
	if err != nil {
		return false, err
	}
	defer unlock()
	found, left, err := merge.InRepository(r.FS())
	if err != nil || len(found) == 0 && c.Take == "" && left == nil {
		return false, err
	}
	var p plan.Plan
	for _, m := range found {
		sides, err := c.sides(ctx, a, m)
		if err != nil {
			return true, err
		}
		text, err := merge.Decide(m.File, m.Text, sides)
		if err != nil {
			return true, err
		}
		p = append(p, r.Rewrite(m.Path, m.Text, text)...)
		_, err = m.Format(m.Path, text)
		left = errors.Join(left, err)
	}
	if len(p) == 0 && left != nil {
		return true, left
	}
	if err := a.Finish(ctx, host.Executor{}, p, ui.Mode{}); err != nil {
		return true, err
	}
	return true, left
}

// sides returns the decisions about the conflicts of a manifest.
func (c mergeArgs) sides(ctx context.Context, a *app, m merge.Manifest) ([]merge.Side, error) {
	if c.Take == "" && !ui.Interactive() {
		return nil, errNoTerminal("deciding the conflicts in "+m.Path, "use --take ours, --take theirs or --take base")
	}
	var all []merge.Side
	for n, conflict := range m.Conflicts {
		side := merge.Side(c.Take)
		if side == "" {
			title := fmt.Sprintf("%d of %d: %s:%d: %s", n+1, len(m.Conflicts), m.Path, conflict.Line, conflict.Name)
			field := huh.NewSelect[merge.Side]().Title(printable.Escape(title)).Options(sidesOf(conflict)...).Value(&side)
			if err := a.runForm(ctx, os.Stdin, field); err != nil {
				return nil, err
			}
		}
		all = append(all, side)
	}
	return all, nil
}

// sidesOf returns the possible decisions about a conflict.
func sidesOf(c merge.Conflict) []huh.Option[merge.Side] {
	option := func(side merge.Side, text string) huh.Option[merge.Side] {
		return huh.NewOption(printable.Escape(fmt.Sprintf("%s: %s", side, cmp.Or(text, "remove it"))), side)
	}
	return []huh.Option[merge.Side]{
		huh.NewOption("skip: edit the file later", merge.Side("")),
		option(merge.Ours, c.Ours), option(merge.Theirs, c.Theirs), option(merge.Base, c.Base),
	}
}
