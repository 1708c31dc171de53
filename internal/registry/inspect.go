package registry

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"bkt/internal/engine/contract"

	"github.com/containers/image/v5/docker"
	"github.com/containers/image/v5/docker/reference"
	"github.com/containers/image/v5/image"
	"github.com/containers/image/v5/types"
	"github.com/opencontainers/go-digest"
)

// Inspect returns what a registry has under name: nothing, if it has no such
// image. An error that may pass has it try again, a few times.
func Inspect(ctx context.Context, name string) (contract.Image, error) {
	return inspect(ctx, name, patience)
}

func inspect(ctx context.Context, name string, delays []time.Duration) (found contract.Image, err error) {
	ref, err := parseAny(name)
	if err != nil {
		return found, err
	}
	err = persist(ctx, delays, io.Discard, func() (err error) {
		found, err = describe(ctx, ref)
		return err
	})
	if err != nil {
		return found, explain(fmt.Errorf("image %s: %w", name, err), host(ref))
	}
	return found, nil
}

// describe asks once for an image, which need not be there.
func describe(ctx context.Context, ref types.ImageReference) (found contract.Image, err error) {
	sys, err := toPull(ctx, ref)
	if err != nil {
		return found, err
	}
	source, err := ref.NewImageSource(ctx, sys)
	if statusOf(err) == http.StatusNotFound {
		return found, nil
	}
	if err != nil {
		return found, err
	}
	defer source.Close()
	data, _, err := source.GetManifest(ctx, nil)
	if err != nil {
		return found, err
	}
	found.Digest = digest.FromBytes(data).String()
	whole, err := image.FromUnparsedImage(ctx, sys, image.UnparsedInstance(source, nil))
	if err != nil && passes(err) {
		return found, err
	}
	if err != nil {
		// It has nothing for this computer, which is no reason not to say what
		// its digest is.
		return found, nil
	}
	config, err := whole.OCIConfig(ctx)
	if err != nil {
		return found, err
	}
	found.Created, found.Labels = config.Created, config.Config.Labels
	return found, nil
}

// parseAny returns the image that name means, by its tag or its digest.
func parseAny(name string) (types.ImageReference, error) {
	ref, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return nil, fmt.Errorf("image %q: %w", name, err)
	}
	if digested, ok := ref.(reference.Canonical); ok {
		// The library takes a tag or a digest, not both.
		if ref, err = reference.WithDigest(reference.TrimNamed(ref), digested.Digest()); err != nil {
			return nil, fmt.Errorf("image %q: %w", name, err)
		}
	}
	return docker.NewReference(reference.TagNameOnly(ref))
}
