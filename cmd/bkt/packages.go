package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
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

// editPackages changes the manifest of the image's packages and renders the
// image's Containerfile.
func (a *app) editPackages(ctx context.Context, m ui.Mode, edit func(*manifest.Packages)) error {
	p, unlock, err := a.planPackages(ctx, m, edit)
	if err != nil {
		return err
	}
	defer unlock()
	return a.Finish(ctx, host.Executor{}, p, m)
}

// planPackages returns what editPackages does, and what unlocks the repository.
func (a *app) planPackages(ctx context.Context, m ui.Mode, edit func(*manifest.Packages)) (p plan.Plan, unlock func(), err error) {
	r, err := repo.Find(".")
	if err != nil {
		return nil, nil, err
	}
	return planManifest(ctx, a, r, m, gen.PackagesManifest(a.image), imageFiles(r, a.image), func(p *manifest.Packages, _ *manifest.Source) error {
		edit(p)
		return nil
	})
}

// editManifest changes a manifest and renders the Containerfiles that are made
// of it, all or none. The manifest is written first: should bkt be killed in
// between, check sees it, and sync mends it.
func editManifest[T any](ctx context.Context, a *app, r repo.Repo, m ui.Mode, name string, containerfiles []string, edit func(*T, *manifest.Source) error) error {
	p, unlock, err := planManifest(ctx, a, r, m, name, containerfiles, edit)
	if err != nil {
		return err
	}
	defer unlock()
	return a.Finish(ctx, host.Executor{}, p, m)
}

// planManifest returns what editManifest does, and what unlocks the repository
// after that.
func planManifest[T any](ctx context.Context, a *app, r repo.Repo, m ui.Mode, name string, containerfiles []string, edit func(*T, *manifest.Source) error) (p plan.Plan, unlock func(), err error) {
	if unlock, err = a.lock(ctx, r, m); err != nil {
		return nil, nil, err
	}
	if p, err = manifestPlan(ctx, a, r, m, name, containerfiles, edit); err != nil {
		unlock()
		return nil, nil, err
	}
	return p, unlock, nil
}

func manifestPlan[T any](ctx context.Context, a *app, r repo.Repo, m ui.Mode, name string, containerfiles []string, edit func(*T, *manifest.Source) error) (plan.Plan, error) {
	old, content, source, err := readManifest[T](r, name)
	if err != nil {
		return nil, err
	}
	if err := edit(&content, source); err != nil {
		return nil, err
	}
	text, err := manifest.Encode(content)
	if err != nil {
		return nil, inFile(name, err)
	}
	after := edited{r.FS(), map[string][]byte{name: text}}
	rendered, err := a.renderAll(ctx, after, containerfiles, asIs)
	if err != nil {
		return nil, err
	}
	if err := a.keep(ctx, r, after, rendered, m, r.FS()); err != nil {
		return nil, err
	}
	return append(plan.Rewrite(r.Path(name), name, old, text), rewrites(r, rendered)...), nil
}

// imageFiles returns the Containerfile of the image, if the repository has it.
func imageFiles(r repo.Repo, k gen.Kind) []string {
	if name := gen.Containerfile(k); r.Has(name) {
		return []string{name}
	}
	return nil
}

// inFile adds the name of the file to each of joined errors.
func inFile(name string, err error) error {
	var errs []error
	for _, e := range hint.Split(err) {
		errs = append(errs, fmt.Errorf("%s: %w", name, e))
	}
	return errors.Join(errs...)
}

// readManifest returns the text of a manifest, nil if there is none, and what
// it says.
func readManifest[T any](r repo.Repo, name string) (old []byte, content T, source *manifest.Source, err error) {
	old, err = fs.ReadFile(r.FS(), name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, content, &manifest.Source{}, nil
	}
	if err != nil {
		return nil, content, nil, patherr.Trim(err)
	}
	content, source, err = manifest.Decode[T](name, old)
	return old, content, source, err
}

// edited are the files of a repository as they will be when some have been written.
type edited struct {
	fs.FS
	texts map[string][]byte
}

// ReadFile implements [fs.ReadFileFS].
func (e edited) ReadFile(name string) ([]byte, error) {
	if text, ok := e.texts[name]; ok {
		return text, nil
	}
	return fs.ReadFile(e.FS, name)
}

type listCmd struct{}

// Run prints the packages and groups, one a line.
func (listCmd) Run(a *app) error {
	r, err := repo.Find(".")
	if err != nil {
		return err
	}
	_, packages, _, err := readManifest[manifest.Packages](r, gen.PackagesManifest(a.image))
	if err != nil {
		return err
	}
	if a.JSON {
		return a.PrintJSON(struct {
			Version  int      `json:"version"`
			Packages []string `json:"packages"`
			Groups   []string `json:"groups"`
		}{1, slices.Concat([]string{}, packages.Packages), slices.Concat([]string{}, packages.Groups)})
	}
	lines := slices.Clone(packages.Packages)
	for _, g := range packages.Groups {
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
