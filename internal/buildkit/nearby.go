package buildkit

import (
	"context"
	"os"
	"path/filepath"

	"bkt/internal/engine/contract"

	"github.com/containerd/containerd/v2/core/content"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// outputStore returns what the engine c puts the blobs of an image into.
func (b Builder) outputStore(c *connection, o *output) content.Store {
	if c.address != Own {
		return o.store
	}
	return nearby{o.store, b.Config.Root}
}

// nearby is the store of an output that bkt's own engine writes to. What that
// has in its root is copied from there: to be sent through a socket takes longer
// than to be made.
type nearby struct {
	content.Store
	root string
}

// Writer returns what writes a blob, or an error if it is there, which it is once
// it has been copied.
func (n nearby) Writer(ctx context.Context, opts ...content.WriterOpt) (content.Writer, error) {
	var o content.WriterOpts
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	if o.Desc.Digest.Validate() == nil {
		n.copy(ctx, o.Desc)
	}
	return n.Store.Writer(ctx, opts...)
}

// copy copies a blob, if the engine has it where others can read it. If not, or
// should it be damaged, the engine sends it.
func (n nearby) copy(ctx context.Context, desc ocispec.Descriptor) {
	for _, snapshotter := range []string{contract.Overlay, contract.Native} {
		dir := contract.ContentDir(n.root, snapshotter)
		f, err := os.Open(filepath.Join(dir, "blobs", desc.Digest.Algorithm().String(), desc.Digest.Encoded()))
		if err != nil {
			continue
		}
		err = content.WriteBlob(ctx, n.Store, "nearby-"+desc.Digest.String(), f, desc)
		f.Close()
		if err == nil {
			return
		}
	}
}
