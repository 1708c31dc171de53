package ocilayout

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"bkt/internal/plainfile"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A reader reads the blobs of a layout. Unlike containerd's store it changes nothing:
// that one creates folders, and probes the file system, as soon as it is opened.
type reader struct{ dir string }

// readStore has the methods that reading an image needs.
type readStore interface {
	content.Provider
	content.InfoProvider
}

// path returns the file of a blob.
func (r reader) path(d digest.Digest) (string, error) {
	if err := d.Validate(); err != nil { // it has no algorithm
		return "", fmt.Errorf("%q: %w", d.String(), err)
	}
	return filepath.Join(r.dir, ocispec.ImageBlobsDir, d.Algorithm().String(), d.Encoded()), nil
}

// Info implements [content.InfoProvider].
func (r reader) Info(_ context.Context, d digest.Digest) (content.Info, error) {
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
func (r reader) ReaderAt(_ context.Context, desc ocispec.Descriptor) (content.ReaderAt, error) {
	path, err := r.path(desc.Digest)
	if err != nil {
		return nil, err
	}
	f, err := plainfile.Open(path)
	if err != nil {
		return nil, notFound(err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return blob{f, info.Size()}, nil
}

// notFound adds containerd's error for a missing blob.
func notFound(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.Join(errdefs.ErrNotFound, err)
	}
	return err
}

// A blob is an open blob.
type blob struct {
	*os.File
	size int64
}

// Size implements [content.ReaderAt].
func (b blob) Size() int64 { return b.size }
