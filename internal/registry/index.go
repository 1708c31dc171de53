//go:build containers_image_openpgp

package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/containers/image/v5/docker"
	"github.com/containers/image/v5/docker/reference"
	"github.com/containers/image/v5/oci/layout"
	"github.com/containers/image/v5/types"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A part is one of the images in an index, and where it goes.
type part struct{ to, from types.ImageReference }

// parts returns the images in the index that from refers to, which lies in the
// layout dir; none if it is no index. They can be copied one by one from the
// folder aside, which is made a layout, with the blobs of dir. Copied with its
// images, an index would be changed: the library notes in it how their layers
// are compressed.
func parts(dir, aside string, from, to types.ImageReference) ([]part, error) {
	index, err := readIndex(dir, from)
	if err != nil || len(index.Manifests) == 0 {
		return nil, err
	}
	flat := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	var all []part
	for i, d := range index.Manifests {
		name := strconv.Itoa(i)
		named, err := reference.WithDigest(reference.TrimNamed(to.DockerReference()), d.Digest)
		if err != nil {
			return nil, err
		}
		there, errTo := docker.NewReference(named)
		here, errFrom := layout.NewReference(aside, name)
		if err := errors.Join(errTo, errFrom); err != nil {
			return nil, err
		}
		d.Annotations = map[string]string{ocispec.AnnotationRefName: name}
		flat.Manifests, all = append(flat.Manifests, d), append(all, part{there, here})
	}
	return all, writeIndex(aside, flat)
}

// readIndex returns the index that ref refers to in the layout dir; an empty one
// if that is an image.
func readIndex(dir string, ref types.ImageReference) (index ocispec.Index, err error) {
	d, err := layout.LoadManifestDescriptor(ref)
	if err != nil || d.MediaType != ocispec.MediaTypeImageIndex {
		return index, err
	}
	data, err := os.ReadFile(filepath.Join(dir, ocispec.ImageBlobsDir, d.Digest.Algorithm().String(), d.Digest.Encoded()))
	if err != nil {
		return index, err
	}
	if err := json.Unmarshal(data, &index); err != nil {
		return index, fmt.Errorf("index %s: %w", d.Digest, err)
	}
	return index, nil
}

// writeIndex makes dir a layout without blobs.
func writeIndex(dir string, index ocispec.Index) error {
	text, err := json.Marshal(index)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, ocispec.ImageIndexFile), text, 0o600),
		os.WriteFile(filepath.Join(dir, ocispec.ImageLayoutFile), []byte(`{"imageLayoutVersion":"`+ocispec.ImageLayoutVersion+`"}`), 0o600))
}
