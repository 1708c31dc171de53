package ocilayout

import (
	"context"
	"path/filepath"

	"bkt/internal/plainfile"

	"github.com/containerd/containerd/v2/core/content"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// WithLocalBlobs returns store with blobs that are copied from the first of
// dirs that has them, instead of being received: sending a layer through a
// socket takes longer than making it. dirs are content stores of containerd.
func WithLocalBlobs(store content.Store, dirs ...string) content.Store {
	return localBlobStore{store, dirs}
}

type localBlobStore struct {
	content.Store
	dirs []string
}

// Writer returns a writer for a blob. It first copies the blob if a local
// folder has it, and then returns the store's error for a blob that exists.
func (l localBlobStore) Writer(ctx context.Context, opts ...content.WriterOpt) (content.Writer, error) {
	var o content.WriterOpts
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	if o.Desc.Digest.Validate() == nil {
		l.copy(ctx, o.Desc)
	}
	return l.Store.Writer(ctx, opts...)
}

// copy copies a blob. Errors are left to the engine: it sends a blob that no folder
// has, that cannot be read here, or that is damaged.
func (l localBlobStore) copy(ctx context.Context, desc ocispec.Descriptor) {
	for _, dir := range l.dirs {
		f, err := plainfile.Open(filepath.Join(dir, "blobs", desc.Digest.Algorithm().String(), desc.Digest.Encoded()))
		if err != nil {
			continue
		}
		err = content.WriteBlob(ctx, l.Store, "local-"+desc.Digest.String(), f, desc)
		f.Close()
		if err == nil {
			return
		}
	}
}
