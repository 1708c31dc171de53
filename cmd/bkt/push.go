package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"bkt/gen"
	"bkt/internal/buildkit"
	"bkt/internal/engine/contract"
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
	l, release, err := a.built(ctx, r, gen.Kind(c.Image))
	if err != nil {
		return err
	}
	defer release()
	result := builtJSON{Image: gen.Kind(c.Image), Digest: l.Digest.String(), Layout: l.Dir}
	result.Outdated = a.isOutdated(ctx, r, result.Image, l)
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

// built returns the image that bkt build has left in the repository. No build
// replaces it until release is called.
func (a *app) built(ctx context.Context, r repo.Repo, k gen.Kind) (l image.Layout, release func(), err error) {
	dir := outputFolder(r, k)
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("the image %s has not been built: %s is not there", k, dir)
		return l, nil, hint.Add(err, "run \"bkt build %s\" first", k)
	}
	return a.hold(ctx, dir, "")
}

// isOutdated reports whether the image that was built is older than what it is
// built from, and warns of it: a build that fails leaves the one before. That it
// cannot be told is a warning, too.
func (a *app) isOutdated(ctx context.Context, r repo.Repo, k gen.Kind, l image.Layout) bool {
	name, dir := gen.Containerfile(k), outputs+"/"+string(k)
	platforms, err := gen.Platforms(k, r.FS())
	outdated := false
	if err == nil {
		b := buildkit.Builder{Exclude: []string{r.Path(outputs)}}
		b.Config, err = ownEngine()
		if err == nil {
			outdated, err = b.IsOutdated(ctx, image.Spec{Containerfile: name, Context: r.Root, Platforms: platforms}, l)
		}
	}
	switch {
	case err != nil:
		err = fmt.Errorf("%s: cannot tell whether it is older than what it is built from: %w", dir, err)
	case outdated:
		err = fmt.Errorf("%s is older than what it is built from: %s, or a file that it reads, has changed since", dir, name)
	default:
		return false
	}
	a.Warn([]error{hint.Add(err, "run \"bkt build %s\"", k)})
	return outdated
}

// hold returns an image of the layout dir, the one that name means, or else the
// only one. No build replaces it until release is called.
func (a *app) hold(ctx context.Context, dir, name string) (l image.Layout, release func(), err error) {
	release, err = buildkit.Hold(ctx, dir, func() { a.Note("waiting until a build has written %s", dir) })
	if err != nil {
		return l, nil, err
	}
	if l, err = buildkit.ReadLayout(dir, name); err != nil {
		release()
		return l, nil, err
	}
	return l, release, nil
}

// canPush returns an error for what no image can be pushed as.
func (a *app) canPush(ctx context.Context, names []string) error {
	_, err := a.engine(ctx, append([]string{"push", "--dry-run"}, names...)...)
	return err
}

// push pushes l under each of names, and returns these with the digests that
// registries have then, as the program says that has pushed it.
func (a *app) push(ctx context.Context, l image.Layout, names []string) ([]string, error) {
	out, err := a.engine(ctx, append([]string{"push", "--layout=" + l.Dir, "--digest=" + l.Digest.String()}, names...)...)
	if err != nil {
		return nil, err
	}
	var all []contract.Pushed
	if err := json.Unmarshal(out, &all); err != nil {
		return nil, fmt.Errorf("what bkt-engine says of what it has pushed: %w", err)
	}
	var references []string
	for _, p := range all {
		if p.Digest != l.Digest.String() {
			return nil, fmt.Errorf("%s: %s was pushed, and not %s", p.Name, p.Digest, l.Digest)
		}
		references = append(references, p.Name+"@"+p.Digest)
	}
	if len(references) != len(names) {
		return nil, fmt.Errorf("bkt-engine says of %d names of %d that it has pushed them", len(references), len(names))
	}
	return references, nil
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
		a.Note("%s has the same packages", name)
	}
	return same, err
}
