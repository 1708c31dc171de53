package registry

import (
	"context"
	"errors"
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
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Inspect returns the image that a registry has under name, or an empty one if
// the registry has none. Anything but an image is an error. Transient errors
// are retried.
func Inspect(ctx context.Context, name string) (contract.Image, error) {
	return inspect(ctx, name, retryDelays, describe)
}

// Pin is like [Inspect] for an image that will be named by its digest. It
// verifies that the registry has the image under its digest, and reports the
// same digest.
func Pin(ctx context.Context, name string) (contract.Image, error) {
	return inspect(ctx, name, retryDelays, pin)
}

// A query asks a registry once for an image, which may be missing.
type query func(ctx context.Context, ref types.ImageReference) (contract.Image, error)

func inspect(ctx context.Context, name string, delays []time.Duration, ask query) (found contract.Image, err error) {
	ref, err := parseAny(name)
	if err := errors.Join(err, checkConfiguration()); err != nil {
		return found, err
	}
	err = retry(ctx, delays, io.Discard, isTransient, func() (err error) {
		found, err = within(ctx, func(ctx context.Context) (contract.Image, error) { return ask(ctx, ref) })
		return err
	})
	if err != nil {
		return contract.Image{}, explain(fmt.Errorf("image %s: %w", name, err), host(ref))
	}
	return found, nil
}

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
	data, doc, err := readDocument(ctx, source)
	if err != nil {
		return found, err
	}
	found.Digest, found.Platforms = digest.FromBytes(data).String(), formatAll(doc.isFor())
	if lacksOwn(doc.isFor()) {
		return found, nil // it has no configuration for this computer
	}
	whole, err := image.FromUnparsedImage(ctx, sys, image.UnparsedInstance(source, nil))
	if err != nil {
		return found, err
	}
	if err := checkConfig(ctx, whole); err != nil {
		return found, err
	}
	config, err := whole.OCIConfig(ctx)
	if err != nil {
		return found, err
	}
	found.Created, found.Labels = config.Created, config.Config.Labels
	if doc.Manifests == nil {
		found.Platforms = formatAll([]ocispec.Platform{config.Platform})
	}
	return found, nil
}

// checkConfig returns an error if the configuration of an image does not have
// the size in its manifest: engines reject it.
func checkConfig(ctx context.Context, i types.Image) error {
	text, err := i.ConfigBlob(ctx)
	if want := i.ConfigInfo().Size; err == nil && int64(len(text)) != want {
		err = fmt.Errorf("the registry has no image there: its configuration has %d bytes, and %d in its manifest", len(text), want)
	}
	return err
}

// readDocument returns the manifest that a registry has sent, as data and parsed.
func readDocument(ctx context.Context, source types.ImageSource) (data []byte, doc document, err error) {
	data, contentType, err := source.GetManifest(ctx, nil)
	if err != nil {
		return data, doc, err
	}
	if digested, ok := source.Reference().DockerReference().(reference.Canonical); ok {
		if err := checkDigest(data, digested.Digest()); err != nil {
			return data, doc, err
		}
	}
	doc, err = parseDocument(contentType, data)
	return data, doc, err
}

// pin is [describe] and [confirm]. It tries twice, for a tag that moves in between.
func pin(ctx context.Context, ref types.ImageReference) (found contract.Image, err error) {
	for range 2 {
		found, err = describe(ctx, ref)
		if err != nil || found.Digest == "" {
			return found, err
		}
		if err = confirm(ctx, ref, digest.Digest(found.Digest)); err == nil {
			return found, nil
		}
	}
	return contract.Image{}, err
}

// confirm returns an error unless the registry reports the digest for ref, and
// has the image under its digest.
func confirm(ctx context.Context, ref types.ImageReference, want digest.Digest) error {
	named, err := reference.WithDigest(reference.TrimNamed(ref.DockerReference()), want)
	if err != nil {
		return err
	}
	pinned, err := docker.NewReference(named)
	if err != nil {
		return err
	}
	again, err := describe(ctx, pinned)
	if err != nil {
		return fmt.Errorf("by its digest: %w", err)
	}
	if again.Digest == "" {
		return fmt.Errorf("the registry has it under its tag, but not under its digest %s", want)
	}
	sys, mirrored, err := primary(ctx, ref)
	if err != nil || mirrored {
		return err // a mirror may have another image
	}
	says, err := docker.GetDigest(ctx, sys, ref)
	switch {
	case errors.Is(err, digest.ErrDigestInvalidFormat): // a registry need not report it
		return nil
	case err != nil:
		return err
	case says != want:
		return fmt.Errorf("the registry reports the digest %s, but sends %s", says, want)
	}
	return nil
}

// parseAny returns the reference for name, with a tag or a digest.
func parseAny(name string) (types.ImageReference, error) {
	ref, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return nil, fmt.Errorf("image %q: %w", name, err)
	}
	if digested, ok := ref.(reference.Canonical); ok {
		// The library accepts a tag or a digest, not both.
		if ref, err = reference.WithDigest(reference.TrimNamed(ref), digested.Digest()); err != nil {
			return nil, fmt.Errorf("image %q: %w", name, err)
		}
	}
	return docker.NewReference(reference.TagNameOnly(ref))
}
