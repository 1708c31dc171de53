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

// A part is an image, or an index, and where it goes.
type part struct{ to, from types.ImageReference }

// A source is an image of a layout that is copied from a folder aside: a layout
// without blobs, whose index names this image alone. So what is copied is what
// has been asked for, whatever becomes of the index of the layout meanwhile.
type source struct {
	ocilayout.Image
	aside string
	index ocispec.Index // empty for an image of one platform
}

// wholeName is the name of the image in the folder aside.
const wholeName = "whole"

// open makes the folder aside the source of the image l. It returns an error if
// the layout does not hold that image, or not any more.
func open(l ocilayout.Image, aside string) (s source, err error) {
	d, err := l.Descriptor()
	if err != nil {
		return s, err
	}
	text, err := l.ReadBlob(d.Digest)
	if err != nil {
		return s, fmt.Errorf("%s: %w", l.Dir, err)
	}
	s = source{Image: l, aside: aside}
	if d.MediaType == ocispec.MediaTypeImageIndex {
		if err := json.Unmarshal(text, &s.index); err != nil {
			return s, fmt.Errorf("%s: index %s: %w", l.Dir, d.Digest, err)
		}
	}
	var all []ocispec.Descriptor
	for i, d := range s.index.Manifests {
		all = append(all, named(d, strconv.Itoa(i)))
	}
	return s, ocilayout.WriteIndex(aside, append(all, named(d, wholeName))...)
}

func named(d ocispec.Descriptor, name string) ocispec.Descriptor {
	d.Annotations = map[string]string{ocispec.AnnotationRefName: name}
	return d
}

// whole refers to all of the image.
func (s source) whole() (types.ImageReference, error) {
	return layout.NewReference(s.aside, wholeName)
}

// parts returns the images in the index that is copied to another place; none if
// it is no index. They are copied one by one: copied with its images, an index
// would be changed, since the library notes in it how their layers are
// compressed.
func (s source) parts(to types.ImageReference) ([]part, error) {
	var all []part
	for i, d := range s.index.Manifests {
		named, err := reference.WithDigest(reference.TrimNamed(to.DockerReference()), d.Digest)
		if err != nil {
			return nil, err
		}
		there, errTo := docker.NewReference(named)
		here, errFrom := layout.NewReference(s.aside, strconv.Itoa(i))
		if err := errors.Join(errTo, errFrom); err != nil {
			return nil, err
		}
		all = append(all, part{there, here})
	}
	return all, nil
}
