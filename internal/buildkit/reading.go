package buildkit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"bkt/internal/image"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/errdefs"
	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A reading reads the blobs of an OCI layout, and nothing else: containerd's store
// makes folders, and tries what the file system can do, as soon as it is opened.
type reading struct{ dir string }

// readStore is what it takes to read an image.
type readStore interface {
	content.Provider
	content.InfoProvider
}

func (r reading) path(d digest.Digest) (string, error) {
	if err := d.Validate(); err != nil { // its parts cannot be told
		return "", fmt.Errorf("%q: %w", d.String(), err)
	}
	return filepath.Join(r.dir, ocispec.ImageBlobsDir, d.Algorithm().String(), d.Encoded()), nil
}

// Info implements [content.InfoProvider].
func (r reading) Info(_ context.Context, d digest.Digest) (content.Info, error) {
	path, err := r.path(d)
	if err != nil {
		return content.Info{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return content.Info{}, notFound(err)
	}
	return content.Info{Digest: d, Size: info.Size(), CreatedAt: info.ModTime(), UpdatedAt: info.ModTime()}, nil
}

// ReaderAt implements [content.Provider].
func (r reading) ReaderAt(_ context.Context, desc ocispec.Descriptor) (content.ReaderAt, error) {
	path, err := r.path(desc.Digest)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, notFound(err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return blob{f, info.Size()}, nil
}

func notFound(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.Join(errdefs.ErrNotFound, err)
	}
	return err
}

// A blob is one that is read.
type blob struct {
	*os.File
	size int64
}

// Size implements [content.ReaderAt].
func (b blob) Size() int64 { return b.size }

// ImageID returns what podman calls the image l, or that of its images which is for
// this computer: the digest of its configuration.
func ImageID(l image.Layout) (digest.Digest, error) {
	index, err := readIndex(l.Dir)
	if err != nil {
		return "", err
	}
	desc, err := choose(index.Manifests, l.Digest.String())
	if err != nil {
		return "", err
	}
	config, err := images.Config(context.Background(), reading{l.Dir}, desc, platforms.Default())
	return config.Digest, err
}
