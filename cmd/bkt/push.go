package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"bkt/gen"
	"bkt/internal/buildkit"
	"bkt/internal/hint"
	"bkt/internal/image"
	"bkt/internal/repo"
)

type pushCmd struct {
	Image      string   `arg:"" enum:"system,toolbox" help:"Which to push: system or toolbox, as it lies in build/IMAGE."`
	Names      []string `arg:"" name:"name" help:"What to call it in a registry, as in quay.io/someone/workstation:latest."`
	UnlessSame bool     `help:"Push only if the first NAME has other packages, or was built from something else."`
}

// Run pushes an image that was built before.
func (c *pushCmd) Run(ctx context.Context, a *app) error {
	r, err := repo.Find(".")
	if err != nil {
		return err
	}
	if err := a.canPush(ctx, c.Names); err != nil {
		return err
	}
	l, err := built(r, gen.Kind(c.Image))
	if err != nil {
		return err
	}
	result := builtJSON{Image: gen.Kind(c.Image), Digest: l.Digest.String(), Layout: l.Dir}
	same := false
	if c.UnlessSame {
		same, err = a.samePackages(ctx, l, c.Names[0])
	}
	if err == nil && !same {
		result.References, err = a.push(ctx, l, c.Names)
		result.Pushed = true
	}
	if err != nil {
		return err
	}
	return a.printBuilt([]builtJSON{result})
}

// built returns the image that bkt build has left in the repository.
func built(r repo.Repo, k gen.Kind) (image.Layout, error) {
	dir := outputFolder(r, k)
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("the image %s has not been built: %s is not there", k, dir)
		return image.Layout{}, hint.Add(err, "run \"bkt build %s\" first", k)
	}
	return buildkit.ReadLayout(dir, "")
}

// canPush returns an error for what no image can be pushed as.
func (a *app) canPush(ctx context.Context, names []string) error {
	return a.engine(ctx, append([]string{"push", "--dry-run"}, names...)...)
}

// push pushes l under each of names, and returns these with its digest.
func (a *app) push(ctx context.Context, l image.Layout, names []string) ([]string, error) {
	var references []string
	for _, name := range names {
		references = append(references, name+"@"+l.Digest.String())
	}
	return references, a.engine(ctx, append([]string{"push", "--layout=" + l.Dir}, names...)...)
}

// samePackages says whether a registry has under name an image with the
// packages and of the inputs of l.
func (a *app) samePackages(ctx context.Context, l image.Layout, name string) (bool, error) {
	there, err := a.inspect(ctx, name)
	if err != nil {
		return false, err
	}
	same, err := sameLabels(l, there.Labels)
	if same {
		a.note("%s has the same packages", name)
	}
	return same, err
}
