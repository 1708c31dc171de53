package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/containers/image/v5/manifest"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// The media types of images, of indexes, and of the configurations of images.
var (
	imageTypes  = []string{ocispec.MediaTypeImageManifest, manifest.DockerV2Schema2MediaType}
	indexTypes  = []string{ocispec.MediaTypeImageIndex, manifest.DockerV2ListMediaType}
	configTypes = []string{ocispec.MediaTypeImageConfig, manifest.DockerV2Schema2ConfigMediaType}
)

// A document is a manifest or an index that a registry has sent.
type document struct {
	SchemaVersion int
	MediaType     string
	Config        *ocispec.Descriptor
	Layers        *[]ocispec.Descriptor
	Manifests     *[]ocispec.Descriptor
	FSLayers      json.RawMessage
}

// parseDocument parses a registry's response with a content type. Anything but a
// well-formed manifest of an image, or an index of images, is an error.
func parseDocument(contentType string, data []byte) (d document, err error) {
	isIndex := slices.Contains(indexTypes, contentType)
	if !isIndex && !slices.Contains(imageTypes, contentType) {
		return d, fmt.Errorf("the registry has no image there, but something of the type %q", contentType)
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return d, fmt.Errorf("the registry has no image there: its manifest: %w", err)
	}
	if isIndex {
		err = d.checkIndex(contentType)
	} else {
		err = d.checkImage(contentType)
	}
	if err != nil {
		return d, fmt.Errorf("the registry has no image there: its manifest %w", err)
	}
	return d, nil
}

// checkType checks the fields that manifests and indexes have in common.
func (d document) checkType(contentType string) error {
	switch {
	case d.SchemaVersion != 2:
		return fmt.Errorf("has schema version %d, not 2", d.SchemaVersion)
	case d.MediaType != "" && d.MediaType != contentType:
		return fmt.Errorf("has the type %q, but was sent as %q", d.MediaType, contentType)
	case d.FSLayers != nil:
		return errors.New("has fsLayers, which belong to schema version 1")
	}
	return nil
}

func (d document) checkImage(contentType string) error {
	if err := d.checkType(contentType); err != nil {
		return err
	}
	switch {
	case d.Manifests != nil:
		return errors.New("has manifests, like an index")
	case d.Config == nil || d.Layers == nil:
		return errors.New("lacks a configuration or layers")
	case !slices.Contains(configTypes, d.Config.MediaType):
		return fmt.Errorf("has a configuration of the type %q, unlike an image", d.Config.MediaType)
	}
	if err := checkDescriptors(append([]ocispec.Descriptor{*d.Config}, *d.Layers...)); err != nil {
		return err
	}
	for _, layer := range *d.Layers {
		if !isLayer(layer) {
			return fmt.Errorf("has a layer of the type %q, unlike an image", layer.MediaType)
		}
	}
	return nil
}

// isLayer reports whether d is a layer with files. Signatures and attestations
// have the configuration of an image, but other layers.
func isLayer(d ocispec.Descriptor) bool {
	return strings.HasPrefix(d.MediaType, "application/vnd.oci.image.layer.") || strings.HasPrefix(d.MediaType, "application/vnd.docker.image.rootfs.")
}

func (d document) checkIndex(contentType string) error {
	if err := d.checkType(contentType); err != nil {
		return err
	}
	switch {
	case d.Config != nil || d.Layers != nil:
		return errors.New("is an index with a configuration or layers")
	case d.Manifests == nil || !slices.ContainsFunc(*d.Manifests, isImage):
		return errors.New("is an index without an image")
	}
	return checkDescriptors(*d.Manifests)
}

func isImage(d ocispec.Descriptor) bool { return slices.Contains(imageTypes, d.MediaType) }

func checkDescriptors(all []ocispec.Descriptor) error {
	for _, one := range all {
		if err := one.Digest.Validate(); err != nil || one.Size < 0 || one.MediaType == "" {
			return fmt.Errorf("has a descriptor without a type, a digest or a size (%q)", one.Digest)
		}
	}
	return nil
}

// isFor returns the platforms of the images in an index. It is nil for a
// manifest, and if an image names none.
func (d document) isFor() []ocispec.Platform {
	if d.Manifests == nil {
		return nil
	}
	var all []ocispec.Platform
	for _, one := range *d.Manifests {
		switch {
		case !isImage(one) || one.Platform != nil && one.Platform.OS == "unknown": // as attestations are
		case one.Platform == nil:
			return nil
		default:
			all = append(all, platforms.Normalize(*one.Platform))
		}
	}
	return all
}

// lacksOwn reports whether an index has no image for this computer.
func lacksOwn(all []ocispec.Platform) bool {
	return len(all) > 0 && !slices.ContainsFunc(all, platforms.Only(platforms.DefaultSpec()).Match)
}

func formatAll(all []ocispec.Platform) []string {
	var texts []string
	for _, p := range all {
		if p.OS != "" && p.Architecture != "" {
			texts = append(texts, platforms.Format(platforms.Normalize(p)))
		}
	}
	return texts
}

// checkDigest returns an error if a registry has sent something else than it
// was asked for.
func checkDigest(data []byte, want digest.Digest) error {
	if got := want.Algorithm().FromBytes(data); got != want {
		return fmt.Errorf("the registry has sent %s instead of %s", got, want)
	}
	return nil
}
