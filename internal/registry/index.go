//go:build containers_image_openpgp

package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"bkt/internal/ocilayout"

	"github.com/containers/image/v5/docker"
	"github.com/containers/image/v5/docker/reference"
	"github.com/containers/image/v5/oci/layout"
	"github.com/containers/image/v5/types"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A part is an image, or an index, and its destination.
type part struct{ to, from types.ImageReference }

// A source is an image of a layout, and a temporary folder that is copied in place of
// the layout: a layout without blobs whose index names only this image. So the right
// image is copied, even if the index of the layout changes in the meantime.
type source struct {
	ocilayout.Image
	dir   string        // the temporary folder
	index ocispec.Index // empty for an image of one platform
}

// wholeName is the name of the image in the temporary folder.
const wholeName = "whole"

// open makes dir, an empty folder, the source of the image l. It is an error if
// the layout no longer holds the image.
func open(l ocilayout.Image, dir string) (s source, err error) {
	d, err := l.Descriptor()
	if err != nil {
		return s, err
	}
	text, err := l.ReadBlob(d.Digest)
	if err != nil {
		return s, fmt.Errorf("%s: %w", l.Dir, err)
	}
	s = source{Image: l, dir: dir}
	if d.MediaType == ocispec.MediaTypeImageIndex {
		if err := json.Unmarshal(text, &s.index); err != nil {
			return s, fmt.Errorf("%s: index %s: %w", l.Dir, d.Digest, err)
		}
	}
	var all []ocispec.Descriptor
	for i, d := range s.index.Manifests {
		all = append(all, named(d, strconv.Itoa(i)))
	}
	return s, ocilayout.WriteIndex(dir, append(all, named(d, wholeName))...)
}

func named(d ocispec.Descriptor, name string) ocispec.Descriptor {
	d.Annotations = map[string]string{ocispec.AnnotationRefName: name}
	return d
}

// whole returns the reference to the whole image.
func (s source) whole() (types.ImageReference, error) {
	return layout.NewReference(s.dir, wholeName)
}

// parts returns the images of an index that is copied to another place; none
// for an image of one platform. They are copied one by one: if the library
// copies an index with its images, it changes the index to record how their
// layers are compressed.
func (s source) parts(to types.ImageReference) ([]part, error) {
	var all []part
	for i, d := range s.index.Manifests {
		named, err := reference.WithDigest(reference.TrimNamed(to.DockerReference()), d.Digest)
		if err != nil {
			return nil, err
		}
		there, errTo := docker.NewReference(named)
		here, errFrom := layout.NewReference(s.dir, strconv.Itoa(i))
		if err := errors.Join(errTo, errFrom); err != nil {
			return nil, err
		}
		all = append(all, part{there, here})
	}
	return all, nil
}
