package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/internal/buildkit"
	"bkt/internal/hook/lint"
	"bkt/internal/hook/rehearse"
	"bkt/internal/manifest"
	"bkt/internal/ocilayout"
	"bkt/internal/pipeline"
	"bkt/internal/repo"
)

// rehearse runs the hooks of the box that the toolbox image is for, in that image.
func (c *hookCheckCmd) rehearse(ctx context.Context, a *app, r repo.Repo, hooks []boxHook) ([]hookFinding, error) {
	hooks, err := toRehearse(r, hooks)
	if err != nil || len(hooks) == 0 {
		return nil, err
	}
	old, beside, err := c.old()
	if err != nil {
		return nil, err
	}
	recipes, err := c.options(a).Recipes(a, r, []gen.Image{gen.Toolbox})
	if err != nil {
		return nil, err
	}
	b, err := c.options(a).Builder(r)
	if err != nil {
		return nil, err
	}
	spec, err := pipeline.Verify(ctx, recipes[0].Inspected())
	if err != nil {
		return nil, err
	}
	var found []hookFinding
	err = b.Inspect(ctx, spec, beside, a.Err, func(ctx context.Context, l buildkit.Inspection) error {
		found, err = rehearseHooks(ctx, l, old, hooks)
		return err
	})
	return found, recipes[0].Blame(err)
}

// old returns what the old home is.
func (c *hookCheckCmd) old() (rehearse.Old, buildkit.ExtraMount, error) {
	layout, isImage := strings.CutPrefix(c.OldHome, pipeline.LayoutScheme)
	switch {
	case c.OldHome == "":
		return rehearse.None, buildkit.ExtraMount{}, nil
	case isImage:
		l, err := ocilayout.Find(layout, "")
		if err != nil {
			err = fmt.Errorf("--old-home: %w", err)
		}
		return rehearse.Image, buildkit.ExtraMount{Layout: l}, err
	}
	return rehearse.Home, buildkit.ExtraMount{Folder: c.OldHome}, pipeline.CheckFolder("--old-home", c.OldHome)
}

// toRehearse returns those of hooks that run in the toolbox image, at each start.
func toRehearse(r repo.Repo, hooks []boxHook) ([]boxHook, error) {
	boxes, err := manifest.Read[manifest.Boxes](r.FS(), manifest.DistroboxPath)
	if err != nil {
		return nil, err
	}
	name, ok := boxes.Content.Toolbox()
	return slices.DeleteFunc(slices.Clone(hooks), func(h boxHook) bool {
		return !ok || h.container != name || h.Pre
	}), nil
}

// rehearseHooks runs hooks in the image of l.
func rehearseHooks(ctx context.Context, l buildkit.Inspection, old rehearse.Old, hooks []boxHook) ([]hookFinding, error) {
	var plain []manifest.Hook
	for _, h := range hooks {
		plain = append(plain, h.Hook)
	}
	found, err := rehearse.Run(ctx, l, old, plain)
	var all []hookFinding
	for _, f := range found {
		all = append(all, asHookFinding(f, hooks))
	}
	return all, err
}

// instead says what to do about the findings of a rehearse.
var instead = map[rehearse.Rule]string{
	rehearse.Runs:     "make it end well in a box that has just been made",
	rehearse.RunTwice: "write only what is not there yet, or declare the path as volatile",
	rehearse.Leftover: "download to its final place, or put it into the image",
	rehearse.OldHome:  "bring what is there up to date, too, or declare the path as volatile",
}

// asHookFinding returns a finding of a rehearsal of hooks, which are all of one
// container. Which hook has done it may not be known: then none is blamed.
func asHookFinding(f rehearse.Finding, hooks []boxHook) hookFinding {
	reason := f.What
	if f.Path != "" {
		reason = fmt.Sprintf("%s: %s", f.Path, f.What)
	}
	finding := hookFinding{
		Finding:   lint.Finding{Rule: string(f.Rule), Verdict: f.Verdict, Reason: reason, Use: instead[f.Rule]},
		container: hooks[0].container,
	}
	if f.Hook >= 0 {
		h := hooks[f.Hook]
		finding.Source, finding.at = h.Run, h.At(0)
	}
	return finding
}
