//go:build containers_image_openpgp

package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"bkt/internal/hint"
	"bkt/internal/image"

	"github.com/containers/image/v5/docker"
	"github.com/containers/image/v5/docker/reference"
	"github.com/containers/image/v5/oci/layout"
	"github.com/containers/image/v5/types"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A part is an image, or an index, and where it goes.
type part struct{ to, from types.ImageReference }

// A source is an image of a layout that is copied from a folder aside: a layout
// without blobs, whose index names this image alone. So what is copied is what
// has been asked for, whatever becomes of the index of the layout meanwhile.
type source struct {
	image.Layout
	aside string
	index ocispec.Index // empty for an image of one platform
}

// wholeName is the name of the image in the folder aside.
const wholeName = "whole"

// open makes the folder aside the source of the image l. It returns an error if
// the layout does not hold that image, or not any more.
func open(l image.Layout, aside string) (s source, err error) {
	d, err := find(l)
	if err != nil {
		return s, err
	}
	text, err := readBlob(l.Dir, d.Digest)
	if err != nil {
		return s, fmt.Errorf("%s: %w", l.Dir, err)
	}
	s = source{Layout: l, aside: aside}
	if d.MediaType == ocispec.MediaTypeImageIndex {
		if err := json.Unmarshal(text, &s.index); err != nil {
			return s, fmt.Errorf("%s: index %s: %w", l.Dir, d.Digest, err)
		}
	}
	flat := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	for i, d := range s.index.Manifests {
		flat.Manifests = append(flat.Manifests, named(d, strconv.Itoa(i)))
	}
	flat.Manifests = append(flat.Manifests, named(d, wholeName))
	return s, writeIndex(aside, flat)
}

func named(d ocispec.Descriptor, name string) ocispec.Descriptor {
	d.Annotations = map[string]string{ocispec.AnnotationRefName: name}
	return d
}

// blobs is the folder with what the image is made of.
func (s source) blobs() string { return filepath.Join(s.Dir, ocispec.ImageBlobsDir) }

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

// find returns what the index of the layout says of the image l.
func find(l image.Layout) (ocispec.Descriptor, error) {
	var index ocispec.Index
	file := filepath.Join(l.Dir, ocispec.ImageIndexFile)
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &index)
	}
	if err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("%s: %w", file, err)
	}
	there := "nothing"
	for _, d := range index.Manifests {
		if d.Digest == l.Digest {
			return d, nil
		}
		there = d.Digest.String()
	}
	err = fmt.Errorf("%s: the image %s is not there: the folder holds %s", l.Dir, l.Digest, there)
	return ocispec.Descriptor{}, hint.Add(err, "if another build has replaced it meanwhile, run this again")
}

// readBlob returns a blob of the layout dir, which has to be what its digest says.
func readBlob(dir string, d digest.Digest) ([]byte, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, ocispec.ImageBlobsDir, d.Algorithm().String(), d.Encoded()))
	if err != nil {
		return nil, err
	}
	if got := d.Algorithm().FromBytes(text); got != d {
		return nil, fmt.Errorf("blob %s is damaged", d)
	}
	return text, nil
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
