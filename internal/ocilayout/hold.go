package ocilayout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"bkt/internal/flock"
	"bkt/internal/patherr"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Hold keeps the image in the layout dir from being replaced until release is
// called. It waits while a writer replaces the image, and then calls waiting
// first. A folder without blobs holds nothing to keep.
//
// The lock is on the folder of the blobs. A build adds its blobs beside those
// of the image without it, and takes it only to replace the image.
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

// Link makes dir, an empty folder, a layout that holds the image alone, for
// programs that take a folder but not which image of it. Its blobs are a
// symbolic link to those of the image.
func (i Image) Link(dir string) error {
	desc, err := i.Descriptor()
	if err != nil {
		return err
	}
	blobs, err := filepath.Abs(i.BlobsDir())
	if err != nil {
		return err
	}
	if err := os.Symlink(blobs, filepath.Join(dir, ocispec.ImageBlobsDir)); err != nil {
		return err
	}
	return WriteIndex(dir, desc)
}

// WriteIndex makes the folder dir a layout that names these images. It writes no
// blobs. [Writer] is for a layout that others may read meanwhile.
func WriteIndex(dir string, manifests ...ocispec.Descriptor) error {
	return errors.Join(
		writeJSON(filepath.Join(dir, ocispec.ImageLayoutFile), version),
		writeJSON(filepath.Join(dir, ocispec.ImageIndexFile), newIndex(manifests...)))
}

// version is the content of the file that marks a layout.
var version = ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion}

func newIndex(manifests ...ocispec.Descriptor) ocispec.Index {
	return ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: manifests}
}

func writeJSON(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(name, data, 0o644)
}
