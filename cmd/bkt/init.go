package main

import (
	"context"

	"bkt/internal/githook"
	"bkt/internal/host"
	"bkt/internal/plan"
	"bkt/internal/repo"
	"bkt/internal/scaffold"
	"bkt/internal/ui"
	"bkt/internal/workspace"
)

type initCmd struct {
	ui.Mode
	scaffold.Flags `embed:""`
	Dir            string `arg:"" optional:"" help:"The folder of the new repository (default: current directory; with --from, one with the name of the URL)."`
	Hook           bool   `xor:"hook" help:"Have git update managed sections at every commit, by its own hook or a manager of hooks. In an existing repository, do nothing else."`
	NoHook         bool   `xor:"hook" help:"Install no git hook in the new repository."`
	Default        bool   `help:"Use the repository wherever commands run outside of one. In an existing repository, do nothing else."`
	From           string `placeholder:"URL" help:"Clone an existing repository, show what \"bkt apply\" would do, ask, and do it."`
}

// Run creates a new repository. Files that exist stay as they are.
func (c *initCmd) Run(ctx context.Context, a *app) error {
	if c.From != "" {
		return c.adopt(ctx, a)
	}
	dir, parent, err := scaffold.Folder(c.Dir, c.Hook || c.Default)
	if err != nil {
		return err
	}
	r := repo.Repo{Root: dir, Links: a.links}
	isNew := !(c.Hook || c.Default) || !r.Has("manifests")
	p, hook, err := c.plan(ctx, a, r, parent, isNew)
	if err != nil {
		return err
	}
	p = append(p, hook...)
	if err := a.Finish(ctx, host.Executor{}, p, c.Mode); err != nil || c.Preview() {
		return scaffold.Name(err, dir)
	}
	if len(hook) > 0 { // a manager of hooks may need more
		if _, err := githook.Plan(ctx, r); err != nil {
			a.Warn([]error{err})
		}
	}
	if isNew && len(p) > 0 && !a.JSON {
		a.Note("next:%s", scaffold.NextCommands(dir))
	}
	return nil
}

// plan plans the files of the repository, if it is new, and what else the flags ask for.
func (c *initCmd) plan(ctx context.Context, a *app, r repo.Repo, parent string, isNew bool) (p, hook plan.Plan, err error) {
	switch {
	case isNew:
		git := scaffold.FindGit(ctx, r, parent)
		p, err = git.PlanAll(ctx, r, parent, c.Flags, &a.Printer)
		if err == nil && !c.NoHook {
			hook, err = git.PlanHook(ctx, r, parent, c.Hook, &a.Printer)
		}
	case c.Hook:
		hook, err = githook.Plan(ctx, r)
	}
	if err != nil || !c.Default {
		return p, hook, err
	}
	byDefault, err := workspace.PlanDefault(r.Root)
	return append(p, byDefault...), hook, err
}

// adopt clones a repository, and applies it to this system.
func (c *initCmd) adopt(ctx context.Context, a *app) error {
	dir, p, err := scaffold.PlanClone(ctx, c.From, c.Dir)
	if err != nil {
		return err
	}
	if c.Default {
		byDefault, err := workspace.PlanDefault(dir)
		if err != nil {
			return err
		}
		p = append(p, byDefault...)
	}
	if err := a.FinishSteps(ctx, host.Executor{}, p, c.Mode); err != nil || c.Preview() {
		return err
	}
	if err := scaffold.Enter(dir); err != nil {
		return err
	}
	r, err := a.repository()
	if err != nil {
		return err
	}
	if err := c.finishClone(ctx, a, r); err != nil {
		return err
	}
	return (&applyCmd{liveFlags: liveFlags{Yes: c.Yes}, First: true}).Run(ctx, a)
}

// finishClone has git merge the manifests of a clone, and update its sections.
func (c *initCmd) finishClone(ctx context.Context, a *app, r repo.Repo) error {
	git := scaffold.FindGit(ctx, r, r.Root)
	p, err := git.Plan(ctx, r, r.Root)
	if err == nil && !c.NoHook && r.HasImages() {
		var hook plan.Plan
		hook, err = git.PlanHook(ctx, r, r.Root, c.Hook, &a.Printer)
		p = append(p, hook...)
	}
	if err != nil || len(p) == 0 {
		return err
	}
	return a.Finish(ctx, host.Executor{}, p, ui.Mode{})
}
