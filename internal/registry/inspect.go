package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"bkt/internal/engine/contract"

	"github.com/containers/image/v5/docker"
	"github.com/containers/image/v5/docker/reference"
	"github.com/containers/image/v5/image"
	"github.com/containers/image/v5/types"
	"github.com/docker/distribution/registry/api/errcode"
	"github.com/opencontainers/go-digest"
)

// Inspect returns what a registry has under name: nothing, if it has no such
// image.
func Inspect(ctx context.Context, name string) (contract.Image, error) {
	var found contract.Image
	ref, err := parseAny(name)
	if err != nil {
		return found, err
	}
	sys := plainOnLoopback(ref)
	source, err := ref.NewImageSource(ctx, sys)
	if err != nil {
		if isMissing(err) {
			return found, nil
		}
		return found, withLogin(fmt.Errorf("image %s: %w", name, err), reference.Domain(ref.DockerReference()))
	}
	defer source.Close()
	data, _, err := source.GetManifest(ctx, nil)
	if err != nil {
		return found, fmt.Errorf("image %s: %w", name, err)
	}
	found.Digest = digest.FromBytes(data).String()
	whole, err := image.FromUnparsedImage(ctx, sys, image.UnparsedInstance(source, nil))
	if err != nil {
		// It has nothing for this computer, which is no reason not to say what
		// its digest is.
		return found, nil
	}
	config, err := whole.OCIConfig(ctx)
	if err != nil {
		return found, fmt.Errorf("image %s: %w", name, err)
	}
	found.Created, found.Labels = config.Created, config.Config.Labels
	return found, nil
}

// isMissing says whether err is that of a registry that has no such image.
func isMissing(err error) bool {
	var coded errcode.ErrorCoder
	if errors.As(err, &coded) {
		name := coded.ErrorCode().Descriptor().Value
		return name == "MANIFEST_UNKNOWN" || name == "NAME_UNKNOWN"
	}
	var status docker.UnexpectedHTTPStatusError
	return errors.As(err, &status) && status.StatusCode == http.StatusNotFound
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
