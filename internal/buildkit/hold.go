package buildkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"bkt/internal/flock"
	"bkt/internal/image"
	"bkt/internal/patherr"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A build writes its blobs beside those of the image that is in a layout, which
// hurts no one who reads that. It is when the one image takes the place of the
// other that readers have to be done: for that there is a lock on the folder of
// the blobs, which readers share.

// Hold keeps the image in the layout dir from being replaced until release is
// called. It waits while one is being replaced, which takes moments. waiting is
// called if it does. Where there are no blobs, there is nothing to keep.
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

func lockBlobs(ctx context.Context, dir string, how flock.Mode, waiting func()) (*os.File, error) {
	lock, err := flock.Lock(ctx, filepath.Join(dir, ocispec.ImageBlobsDir), os.O_RDONLY, how, waiting)
	return lock, patherr.TrimOp(err)
}

// Alone makes dir, an empty folder, a layout that holds l and no other image: for
// programs that can be given a folder, and not which image of it. Its blobs are
// those of l.
func Alone(l image.Layout, dir string) error {
	index, err := readIndex(l.Dir)
	if err != nil {
		return err
	}
	desc, err := choose(index.Manifests, l.Digest.String())
	if err != nil {
		return fmt.Errorf("%s: %w", l.Dir, err)
	}
	blobs, err := filepath.Abs(filepath.Join(l.Dir, ocispec.ImageBlobsDir))
	if err != nil {
		return err
	}
	if err := os.Symlink(blobs, filepath.Join(dir, ocispec.ImageBlobsDir)); err != nil {
		return err
	}
	only := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{desc}}
	return errors.Join(
		writeJSON(filepath.Join(dir, ocispec.ImageLayoutFile), ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion}),
		writeJSON(filepath.Join(dir, ocispec.ImageIndexFile), only))
}

func writeJSON(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o644)
}
