package main

import (
	"context"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/internal/containerfile"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/ui"
)

// packagesCmd has the commands about the packages of one image.
type packagesCmd struct {
	Add    addCmd    `cmd:"" help:"Add packages to the manifest, and render the Containerfile."`
	Remove removeCmd `cmd:"" help:"Remove packages from the manifest, and render the Containerfile."`
	List   listCmd   `cmd:"" help:"List the packages of the manifest."`
}

type systemCmd struct{ packagesCmd }

// AfterApply sets the image that the subcommands are about.
func (systemCmd) AfterApply(a *app) error { a.image = gen.System; return nil }

type toolboxCmd struct {
	packagesCmd
	Capture toolboxCaptureCmd `cmd:"" help:"Add packages installed by hand in the toolbox container to its manifest, and render the Containerfile."`
	Upgrade upgradeCmd        `cmd:"" help:"Recreate the toolbox container from a new image; roll back on failure."`
}

// AfterApply sets the image that the subcommands are about.
func (toolboxCmd) AfterApply(a *app) error { a.image = gen.Toolbox; return nil }

type packageArgs struct {
	ui.Mode
	Packages []string `arg:"" name:"package" help:"Package specs of dnf: names, versions, globs, provides, @groups."`
}

type addCmd struct{ packageArgs }

// Run adds the packages that the manifest lacks.
func (c *addCmd) Run(ctx context.Context, a *app) error {
	return a.editPackages(ctx, c.Mode, func(p *manifest.Packages) error { return containerfile.AddPackages(a, p, c.Packages) })
}

type removeCmd struct{ packageArgs }

// Run removes the packages: all of them, or none if the manifest lacks one.
func (c *removeCmd) Run(ctx context.Context, a *app) error {
	return a.editPackages(ctx, c.Mode, func(p *manifest.Packages) error {
		return containerfile.RemovePackages(p, c.Packages, a.image)
	})
}

// editPackages edits the packages of the image and renders its Containerfile.
func (a *app) editPackages(ctx context.Context, m ui.Mode, edit func(*manifest.Packages) error) error {
	r, err := a.images()
	if err != nil {
		return err
	}
	return a.change(ctx, r, m, func() (plan.Plan, error) {
		return containerfile.EditPackages(ctx, a, r, syncOptions(m), a.image, edit)
	})
}

type listCmd struct{}

// Run prints the packages and groups, one a line.
func (listCmd) Run(a *app) error {
	r, err := a.repository()
	if err != nil {
		return err
	}
	d, err := manifest.Read[manifest.Packages](r.FS(), gen.PackagesManifest(a.image))
	if err != nil {
		return err
	}
	lines := d.Content.PackageNames()
	for _, g := range d.Content.Groups {
		lines = append(lines, "@"+strings.TrimPrefix(g, "@"))
	}
	slices.Sort(lines)
	return a.PrintResult(listJSON{1, append([]string{}, d.Content.PackageNames()...), append([]string{}, d.Content.Groups...)}, textOf(lines))
}

// listJSON is the output of --json.
type listJSON struct {
	Version  int      `json:"version"`
	Packages []string `json:"packages"`
	Groups   []string `json:"groups"`
}
