package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/internal/containerfile"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/repo"
	"bkt/internal/ui"
)

// packagesCmd are the commands on the packages of one image.
type packagesCmd struct {
	Add    addCmd    `cmd:"" help:"Add packages to the manifest, and render the Containerfile."`
	Remove removeCmd `cmd:"" help:"Remove packages from the manifest, and render the Containerfile."`
	List   listCmd   `cmd:"" help:"List the packages of the manifest."`
}

type systemCmd struct{ packagesCmd }

// AfterApply tells the commands below which image they are for.
func (systemCmd) AfterApply(a *app) error { a.image = gen.System; return nil }

type toolboxCmd struct {
	packagesCmd
	Capture toolboxCaptureCmd `cmd:"" help:"Add what was installed by hand in the box of the toolbox, and render the Containerfile."`
	Upgrade upgradeCmd        `cmd:"" help:"Make the box of the toolbox anew from a new image, and go back to the old one if it does not work."`
}

// AfterApply tells the commands below which image they are for.
func (toolboxCmd) AfterApply(a *app) error { a.image = gen.Toolbox; return nil }

type packageArgs struct {
	ui.Mode
	Packages []string `arg:"" name:"package" help:"Specs of dnf: names, versions, globs, provides, @groups."`
}

type addCmd struct{ packageArgs }

// Run adds what is not there yet.
func (c *addCmd) Run(ctx context.Context, a *app) error {
	return a.editPackages(ctx, c.Mode, func(p *manifest.Packages) {
		for _, spec := range c.Packages {
			list, name := listOf(p, spec)
			if slices.Contains(*list, name) {
				a.Note("%s is there already", spec)
				continue
			}
			*list = append(*list, name)
		}
	})
}

type removeCmd struct{ packageArgs }

// Run removes what is there.
func (c *removeCmd) Run(ctx context.Context, a *app) error {
	return a.editPackages(ctx, c.Mode, func(p *manifest.Packages) {
		for _, spec := range c.Packages {
			list, name := listOf(p, spec)
			i := slices.Index(*list, name)
			if i < 0 {
				err := fmt.Errorf("%s is not in the manifest", spec)
				a.Warn([]error{hint.Add(err, "to have an image without a package of its base, add it to \"removed\" in %s", gen.PackagesManifest(a.image))})
				continue
			}
			*list = slices.Delete(*list, i, i+1)
		}
	})
}

// listOf returns the list that a spec belongs to, and what it is called there.
// Groups that stand among the packages are left there.
func listOf(p *manifest.Packages, spec string) (list *[]string, name string) {
	group, ok := strings.CutPrefix(spec, "@")
	switch {
	case !ok, slices.Contains(p.Packages, spec):
		return &p.Packages, spec
	case slices.Contains(p.Groups, spec):
		return &p.Groups, spec
	}
	return &p.Groups, group
}

// editPackages edits the manifest of the image's packages and renders the image's
// Containerfile.
func (a *app) editPackages(ctx context.Context, m ui.Mode, edit func(*manifest.Packages)) error {
	r, err := repo.Find(".")
	if err != nil {
		return err
	}
	return editManifest(ctx, a, r, m, gen.PackagesManifest(a.image), containerfile.OfImage(r, a.image), func(p *manifest.Packages, _ *manifest.Source) error {
		edit(p)
		return nil
	})
}

// editManifest edits a manifest and renders the Containerfiles that use it, all or
// none.
func editManifest[T any](ctx context.Context, a *app, r repo.Repo, m ui.Mode, name string, files []string, edit func(*T, *manifest.Source) error) error {
	p, unlock, err := planManifest(ctx, a, r, m, name, files, edit)
	if err != nil {
		return err
	}
	defer unlock()
	return a.Finish(ctx, host.Executor{}, p, m)
}

// planManifest locks the repository and returns the plan of editManifest, and what
// unlocks the repository.
func planManifest[T any](ctx context.Context, a *app, r repo.Repo, m ui.Mode, name string, files []string, edit func(*T, *manifest.Source) error) (plan.Plan, func(), error) {
	unlock, err := a.lock(ctx, r, m)
	if err != nil {
		return nil, nil, err
	}
	p, err := containerfile.Edit(ctx, a, r, syncOptions(m), name, files, edit)
	if err != nil {
		unlock()
	}
	return p, unlock, err
}

type listCmd struct{}

// Run prints the packages and groups, one a line.
func (listCmd) Run(a *app) error {
	r, err := repo.Find(".")
	if err != nil {
		return err
	}
	d, err := manifest.Read[manifest.Packages](r.FS(), gen.PackagesManifest(a.image))
	if err != nil {
		return err
	}
	if a.JSON {
		return a.PrintJSON(struct {
			Version  int      `json:"version"`
			Packages []string `json:"packages"`
			Groups   []string `json:"groups"`
		}{1, slices.Concat([]string{}, d.Content.Packages), slices.Concat([]string{}, d.Content.Groups)})
	}
	lines := slices.Clone(d.Content.Packages)
	for _, g := range d.Content.Groups {
		lines = append(lines, "@"+strings.TrimPrefix(g, "@"))
	}
	slices.Sort(lines)
	for _, l := range lines {
		if _, err := fmt.Fprintln(a.Out, l); err != nil {
			return err
		}
	}
	return nil
}
