package ocilayout

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"bkt/internal/flock"
	"bkt/internal/patherr"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Hold keeps the image in the layout dir from being replaced until release is
// called. It waits while a writer replaces the image, and then calls waiting
// first. A folder without blobs holds nothing to keep.
//
// The lock is on the folder of the blobs. A build adds its blobs without it, and takes
// it only to replace the image.
func Hold(ctx context.Context, dir string, waiting func()) (release func(), err error) {
	lock, err := lockBlobs(ctx, dir, flock.Shared, waiting)
	if errors.Is(err, fs.ErrNotExist) {
		return func() {}, nil
	}
	if err != nil {
		return nil, err
	}
	return func() { lock.Close() }, nil
}

// lockBlobs locks the folder of the blobs of the layout dir.
func lockBlobs(ctx context.Context, dir string, how flock.Mode, waiting func()) (*os.File, error) {
	lock, err := flock.Lock(ctx, filepath.Join(dir, ocispec.ImageBlobsDir), os.O_RDONLY, how, waiting)
	return lock, patherr.TrimOp(err)
}
