package ocilayout

import (
	"context"
	"fmt"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// The limits of what an image refers to. Registries take manifests of 4 MiB, and engines
// images of 127 layers.
const (
	maxJSON        = 4 << 20 // bytes of an index, a manifest or a configuration
	maxDescriptors = 10_000  // of an image for several platforms
	maxIndexes     = 8       // indexes in indexes
)

// maxVerified is the size up to which the content of layers is verified. Manifests and
// configurations always are.
const maxVerified = 1 << 20

// blobsOf returns the digests of desc and of all blobs that it refers to. A blob is an
// error if it is missing, has another size or, unless it is a large layer, another digest.
// An image that exceeds a limit is an error.
func blobsOf(ctx context.Context, store readStore, desc ocispec.Descriptor) (map[digest.Digest]bool, error) {
	w := walker{store: store, children: images.ChildrenHandler(store), found: map[digest.Digest]bool{}}
	err := w.visit(ctx, desc, 0)
	return w.found, err
}

// A walker visits the blobs of an image, each once.
type walker struct {
	store    readStore
	children images.HandlerFunc
	found    map[digest.Digest]bool
	seen     int // descriptors
}

// visit visits a blob and those that it refers to. depth is the number of indexes and
// manifests that lead to it.
func (w *walker) visit(ctx context.Context, d ocispec.Descriptor, depth int) error {
	if w.seen++; w.seen > maxDescriptors {
		return fmt.Errorf("more than %d blobs, the limit", maxDescriptors)
	}
	if depth > maxIndexes && images.IsIndexType(d.MediaType) {
		return fmt.Errorf("blob %s: more than %d indexes in indexes, the limit", d.Digest, maxIndexes)
	}
	if err := w.compareSize(ctx, d); err != nil || w.found[d.Digest] {
		return err
	}
	if err := verify(ctx, w.store, d); err != nil {
		return err
	}
	w.found[d.Digest] = true
	children, err := w.children(ctx, d)
	for _, child := range children {
		if err == nil {
			err = w.visit(ctx, child, depth+1)
		}
	}
	return err
}

// compareSize returns an error if a blob is missing or has another size.
func (w *walker) compareSize(ctx context.Context, d ocispec.Descriptor) error {
	info, err := w.store.Info(ctx, d.Digest)
	switch {
	case errdefs.IsNotFound(err):
		return fmt.Errorf("blob %s is missing", d.Digest)
	case err != nil:
		return err
	case info.Size != d.Size:
		return fmt.Errorf("blob %s has %d bytes, not %d", d.Digest, info.Size, d.Size)
	}
	return checkSize(d)
}

// checkSize returns an error for a manifest, index or configuration that is too large.
func checkSize(d ocispec.Descriptor) error {
	if isJSON(d) && d.Size > maxJSON {
		return fmt.Errorf("blob %s is larger than %d MiB, the limit for a manifest or configuration", d.Digest, maxJSON>>20)
	}
	return nil
}

// isJSON reports whether a blob is a manifest, an index or a configuration.
func isJSON(d ocispec.Descriptor) bool {
	return images.IsManifestType(d.MediaType) || images.IsIndexType(d.MediaType) || images.IsConfigType(d.MediaType)
}

// verify returns an error if a blob does not match its digest, unless it is a large layer.
func verify(ctx context.Context, store readStore, d ocispec.Descriptor) error {
	if d.Size > maxVerified && !isJSON(d) {
		return nil
	}
	data, err := content.ReadBlob(ctx, store, d)
	if err != nil {
		return err
	}
	if d.Digest.Algorithm().FromBytes(data) != d.Digest {
		return fmt.Errorf("blob %s is damaged", d.Digest)
	}
	return nil
}
