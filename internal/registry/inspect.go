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

// Inspect returns what a registry has under name: nothing, if it has no such
// image. What is there and is no image is an error. An error that may pass has it
// try again, a few times.
func Inspect(ctx context.Context, name string) (contract.Image, error) {
	return inspect(ctx, name, patience, describe)
}

// Pin is [Inspect] for an image that is going to be named by its digest: that the
// registry has it by that, and says so itself, is made sure of.
func Pin(ctx context.Context, name string) (contract.Image, error) {
	return inspect(ctx, name, patience, pin)
}

// An asking asks a registry once for an image, which need not be there.
type asking func(ctx context.Context, ref types.ImageReference) (contract.Image, error)

func inspect(ctx context.Context, name string, delays []time.Duration, ask asking) (found contract.Image, err error) {
	ref, err := parseAny(name)
	if err != nil {
		return found, err
	}
	err = persist(ctx, delays, io.Discard, func() (err error) {
		found, err = ask(ctx, ref)
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
		return found, nil // there is no configuration to read
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

// checkConfig returns an error if the configuration of an image has not the size
// that its manifest says: no engine takes it.
func checkConfig(ctx context.Context, i types.Image) error {
	text, err := i.ConfigBlob(ctx)
	if want := i.ConfigInfo().Size; err == nil && int64(len(text)) != want {
		err = fmt.Errorf("the registry has no image there: its configuration has %d bytes, and not %d, as its manifest says", len(text), want)
	}
	return err
}

// readDocument returns what a registry has sent as the manifest of an image, and
// what is in it.
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

// pin is [describe] with more questions. A tag that moves meanwhile has it ask
// once more.
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

// confirm returns an error unless the registry says that the image of ref has
// the digest, and sends it when it is asked for by that.
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
		return fmt.Errorf("the registry has it by its tag, and not by its digest %s", want)
	}
	sys, mirrored, err := primary(ctx, ref)
	if err != nil || mirrored {
		return err // a mirror may have another image, and was asked before
	}
	says, err := docker.GetDigest(ctx, sys, ref)
	switch {
	case errors.Is(err, digest.ErrDigestInvalidFormat): // a registry need not say it
		return nil
	case err != nil:
		return err
	case says != want:
		return fmt.Errorf("the registry says that it has %s, and sends %s", says, want)
	}
	return nil
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
