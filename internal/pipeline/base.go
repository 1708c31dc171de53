package pipeline

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/internal/hint"
	"bkt/internal/manifest"

	"github.com/containerd/platforms"
)

// PinBases sets the digests of the base images in a manifest to those that registries
// have for their tags. It pins the bases of the named images, or of all that have one.
// If one fails, the manifest must not be used.
func PinBases(ctx context.Context, log Log, images []string, i *manifest.Images, s *manifest.Source) error {
	chosen, err := choose(images, bases(i, s))
	if err != nil {
		return err
	}
	return pin(ctx, log, chosen)
}

// Wants reports whether the image k is among the named ones, or none is named.
func Wants(images []string, k gen.Image) bool {
	return len(images) == 0 || slices.Contains(images, string(k))
}

// choose returns the bases of the named images. A named image without a base is an
// error.
func choose(images []string, all []base) ([]base, error) {
	var chosen []base
	var errs []error
	for _, b := range all {
		switch {
		case !Wants(images, b.kind):
		case b.Image != "":
			chosen = append(chosen, b)
		case len(images) > 0:
			err := fmt.Errorf("%s: the image %s has no base", manifest.ImagePath, b.kind)
			errs = append(errs, hint.Add(err, `give %q an "image"`, string(b.kind)+".base"))
		}
	}
	return chosen, errors.Join(errs...)
}

// A base is the base of one image, in the manifest.
type base struct {
	kind      gen.Image
	at        manifest.Position
	platforms []string // that the image is built for; none: the engine's own
	*manifest.Base
}

// bases returns the bases of all images, also the empty ones.
func bases(i *manifest.Images, s *manifest.Source) []base {
	return []base{
		{gen.System, s.At("/system/base/image"), i.System.Platforms, &i.System.Base},
		{gen.Toolbox, s.At("/toolbox/base/image"), i.Toolbox.Platforms, &i.Toolbox.Base},
	}
}

// pin sets the digests of the bases, and logs which of them have changed once all are
// known.
func pin(ctx context.Context, log Log, bases []base) error {
	var moved []string
	var errs []error
	for _, b := range bases {
		digest, err := resolve(ctx, b)
		if err != nil {
			errs = append(errs, b.inPlace(err))
			continue
		}
		if digest != b.Digest {
			moved = append(moved, fmt.Sprintf("%s: %s -> %s", b.kind, Short(b.Digest), Short(digest)))
		}
		b.Digest = digest
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	for _, m := range moved {
		log.Note("%s", m)
	}
	return nil
}

// resolve returns the digest that the tag of a base points at. It fails if the policy
// on signatures refuses the image, or if the image is for other platforms.
func resolve(ctx context.Context, b base) (string, error) {
	name := b.Image
	verified, err := allowed(ctx, []string{name})
	if err != nil {
		return "", err
	}
	for _, v := range verified {
		if v.Digest != "" { // the verified image, even if the tag has moved since
			name += "@" + v.Digest
		}
	}
	found, err := inspect(ctx, name, "--pin")
	if err != nil {
		return "", err
	}
	if found.Digest == "" {
		err = fmt.Errorf("image %s: the registry has no such image", b.Image)
		return "", hint.Add(err, "check the spelling of the image and its tag")
	}
	return found.Digest, b.checkPlatforms(found.Platforms)
}

// checkPlatforms returns an error if the image is built for a platform that its base
// image, which has the platforms has, does not support. A base image without platforms
// is no error.
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
	return hint.Prefix(fmt.Sprintf("%s:%d:%d", manifest.ImagePath, b.at.Line, b.at.Column), err)
}

// Short returns the beginning of a digest, which is enough to distinguish it.
func Short(digest string) string {
	const enough = len("sha256:") + 12
	switch {
	case digest == "":
		return "not pinned"
	case len(digest) <= enough:
		return digest
	}
	return digest[:enough] + "…"
}
