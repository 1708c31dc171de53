package ocilayout

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Join returns the only one of descs, or else an index of all their images,
// which it adds to the store. The index has the platforms in that order.
func (w *Writer) Join(ctx context.Context, descs []ocispec.Descriptor, order []string) (ocispec.Descriptor, error) {
	if len(descs) == 1 {
		return descs[0], nil
	}
	index := newIndex()
	for _, desc := range descs {
		manifests, err := w.manifests(desc)
		if err != nil {
			return desc, err
		}
		index.Manifests = append(index.Manifests, manifests...)
	}
	slices.SortStableFunc(index.Manifests, func(a, b ocispec.Descriptor) int { return rank(a, order) - rank(b, order) })
	data, err := json.Marshal(index)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	desc := ocispec.Descriptor{MediaType: index.MediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	return desc, content.WriteBlob(ctx, w.store, "index-"+desc.Digest.String(), bytes.NewReader(data), desc)
}

// manifests returns the manifests that desc, as an engine returned it, is or lists,
// each with its platform.
func (w *Writer) manifests(desc ocispec.Descriptor) ([]ocispec.Descriptor, error) {
	if !images.IsManifestType(desc.MediaType) {
		var index ocispec.Index
		err := readJSON(w.store, desc, &index)
		return index.Manifests, err
	}
	var manifest ocispec.Manifest
	var platform ocispec.Platform
	if err := readJSON(w.store, desc, &manifest); err != nil {
		return nil, err
	}
	err := readJSON(w.store, manifest.Config, &platform)
	desc.Platform, desc.Annotations = &platform, nil
	return []ocispec.Descriptor{desc}, err
}

// rank returns the position of a manifest in an index. A manifest for none of the
// platforms, such as an attestation, comes last.
func rank(desc ocispec.Descriptor, order []string) int {
	if desc.Platform == nil {
		return len(order)
	}
	own := platforms.Format(platforms.Normalize(*desc.Platform))
	i := slices.IndexFunc(order, func(text string) bool {
		wanted, err := platforms.Parse(text)
		return err == nil && platforms.Format(platforms.Normalize(wanted)) == own
	})
	if i < 0 {
		return len(order)
	}
	return i
}
