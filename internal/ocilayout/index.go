package ocilayout

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Link makes dir, a missing or empty folder, a layout that holds only this image, for
// programs that take a folder but no name of an image in it. Its blobs are a symbolic
// link to those of the image.
func (i Image) Link(dir string) error {
	desc, err := i.Descriptor()
	if err != nil {
		return err
	}
	blobs, err := filepath.Abs(i.BlobsDir())
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
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
