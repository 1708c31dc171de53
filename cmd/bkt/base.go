package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/internal/containerfile"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/repo"
	"bkt/internal/ui"

	"github.com/containerd/platforms"
)

// imagesManifest is the manifest that says what images are built on.
const imagesManifest = "manifests/image.json"

type baseCmd struct {
	Update baseUpdateCmd `cmd:"" help:"Pin bases to what their tags point at now, and render the Containerfiles."`
}

type baseUpdateCmd struct {
	ui.Mode
	Images []string `arg:"" optional:"" name:"image" enum:"system,toolbox" help:"Whose base: system or toolbox (default: of all that have one)."`
}

// Run asks registries what the tags of the bases point at, and pins the bases
// to it: all, or none.
func (c *baseUpdateCmd) Run(ctx context.Context, a *app) error {
	r, err := repo.Find(".")
	if err != nil {
		return err
	}
	var files []string
	for _, k := range gen.Kinds() {
		if c.wants(k) {
			files = append(files, containerfile.OfImage(r, k)...)
		}
	}
	return editManifest(ctx, a, r, c.Mode, imagesManifest, files, func(i *manifest.Images, s *manifest.Source) error {
		bases, err := c.choose(bases(i, s))
		if err != nil {
			return err
		}
		return a.moveBases(ctx, bases)
	})
}

// wants says whether it is for the image k.
func (c *baseUpdateCmd) wants(k gen.Kind) bool {
	return len(c.Images) == 0 || slices.Contains(c.Images, string(k))
}

// choose returns those of the bases that it is for. One that is named has to be
// there.
func (c *baseUpdateCmd) choose(all []base) ([]base, error) {
	var chosen []base
	var errs []error
	for _, b := range all {
		switch {
		case !c.wants(b.kind):
		case b.Image != "":
			chosen = append(chosen, b)
		case len(c.Images) > 0:
			err := fmt.Errorf("%s: the image %s has no base", imagesManifest, b.kind)
			errs = append(errs, hint.Add(err, `give %q an "image"`, string(b.kind)+".base"))
		}
	}
	return chosen, errors.Join(errs...)
}

// A base is the base of one image, in the manifest.
type base struct {
	kind      gen.Kind
	at        manifest.Position
	platforms []string // that the image is built for; none: the engine's own
	*manifest.Base
}

// bases returns the bases of all images, those that are empty, too.
func bases(i *manifest.Images, s *manifest.Source) []base {
	return []base{
		{gen.System, s.At("/system/base/image"), i.System.Platforms, &i.System.Base},
		{gen.Toolbox, s.At("/toolbox/base/image"), i.Toolbox.Platforms, &i.Toolbox.Base},
	}
}

// moveBases sets the digests of the bases to those that registries have, and
// says which have moved once all are known.
func (a *app) moveBases(ctx context.Context, bases []base) error {
	var moved []string
	var errs []error
	for _, b := range bases {
		digest, err := a.pointsAt(ctx, b)
		if err != nil {
			errs = append(errs, b.inPlace(err))
			continue
		}
		if digest != b.Digest {
			moved = append(moved, fmt.Sprintf("%s: %s -> %s", b.kind, short(b.Digest), short(digest)))
		}
		b.Digest = digest
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	for _, m := range moved {
		a.Note("%s", m)
	}
	return nil
}

// pointsAt returns the digest that the tag of a base points at, if the policy on
// signatures allows that image, and it is one for what is built on it.
func (a *app) pointsAt(ctx context.Context, b base) (string, error) {
	name := b.Image
	verified, err := allowed(ctx, []string{name})
	if err != nil {
		return "", err
	}
	for _, v := range verified {
		if v.Digest != "" { // what has been verified, though the tag may have moved on
			name += "@" + v.Digest
		}
	}
	found, err := a.inspect(ctx, name, "--pin")
	if err != nil {
		return "", err
	}
	if found.Digest == "" {
		err = fmt.Errorf("image %s: the registry has no such image", b.Image)
		return "", hint.Add(err, "look at how the image and its tag are spelt")
	}
	return found.Digest, b.checkPlatforms(found.Platforms)
}

// checkPlatforms returns an error unless a base for some platforms is one for all
// that the image is built for. A base that does not say is no error.
func (b base) checkPlatforms(has []string) error {
	wanted := b.platforms
	if len(wanted) == 0 {
		wanted = []string{"linux/" + runtime.GOARCH}
	}
	for _, text := range wanted {
		want, err := platforms.Parse(text)
		if err != nil {
			return err
		}
		if len(has) > 0 && !slices.ContainsFunc(has, func(text string) bool {
			p, err := platforms.Parse(text)
			return err == nil && platforms.Only(want).Match(p)
		}) {
			err := fmt.Errorf("image %s: it is for %s, not for %s", b.Image, strings.Join(has, ", "), text)
			return hint.Add(err, `"platforms" of %q says what the image is built for`, string(b.kind))
		}
	}
	return nil
}

// inPlace adds where in the manifest the base is to each of joined errors.
func (b base) inPlace(err error) error {
	return containerfile.InFile(fmt.Sprintf("%s:%d:%d", imagesManifest, b.at.Line, b.at.Column), err)
}

// short returns so much of a digest that it can be told from others.
func short(digest string) string {
	const enough = len("sha256:") + 12
	switch {
	case digest == "":
		return "not pinned"
	case len(digest) <= enough:
		return digest
	}
	return digest[:enough] + "…"
}
