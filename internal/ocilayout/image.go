// Package ocilayout reads and writes OCI image layouts: folders with the blobs of
// images and an index.json that says which images they hold.
//
// A layout that bkt writes holds one image. Its index.json is replaced last, so
// that a build that fails leaves the image that was there. Readers share a lock on
// the blobs, which a writer takes to replace the image; see [Hold].
package ocilayout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/plainfile"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	contentlocal "github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/sirupsen/logrus"
)

// An Image is an image in a layout.
type Image struct {
	Dir    string        // the layout
	Digest digest.Digest // of its manifest, or of its index if it is for several platforms
}

// Find finds an image in the layout dir. name is its digest or its name in the
// layout; it may be empty if there is only one image. An image that lacks a blob,
// or has a damaged one, is an error.
func Find(dir, name string) (Image, error) {
	index, err := readIndex(dir)
	if err != nil {
		return Image{}, err
	}
	desc, err := choose(index.Manifests, name)
	if err != nil {
		return Image{}, fmt.Errorf("%s: %w", dir, err)
	}
	if _, err := blobsOf(context.Background(), reader{dir}, desc); err != nil {
		return Image{}, fmt.Errorf("%s: incomplete: %w", dir, err)
	}
	return Image{Dir: dir, Digest: desc.Digest}, nil
}

// BlobsDir returns the folder with the blobs of the layout.
func (i Image) BlobsDir() string { return filepath.Join(i.Dir, ocispec.ImageBlobsDir) }

// Descriptor returns the index's descriptor of the image. It is an error if the layout
// does not or no longer hold the image.
func (i Image) Descriptor() (ocispec.Descriptor, error) {
	index, err := readIndex(i.Dir)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	found := "nothing"
	for _, desc := range index.Manifests {
		if desc.Digest == i.Digest {
			return desc, nil
		}
		found = desc.Digest.String()
	}
	err = fmt.Errorf("%s: the image %s is not there: the folder holds %s", i.Dir, i.Digest, found)
	return ocispec.Descriptor{}, hint.Add(err, "if another build has replaced it meanwhile, run this again")
}

// ReadBlob returns a manifest, an index or a configuration of the layout. A blob that
// does not match its digest, or is too large to be one, is an error.
func (i Image) ReadBlob(d digest.Digest) ([]byte, error) {
	path, err := reader{i.Dir}.path(d)
	if err != nil {
		return nil, err
	}
	data, err := plainfile.Read(path, maxJSON)
	if err != nil {
		return nil, err
	}
	if d.Algorithm().FromBytes(data) != d {
		return nil, fmt.Errorf("blob %s is damaged", d)
	}
	return data, nil
}

// Config returns the configuration of the image; if the image is for several
// platforms, that for platform.
func (i Image) Config(platform ocispec.Platform) (config ocispec.Image, err error) {
	desc, err := i.Descriptor()
	if err != nil {
		return config, err
	}
	store := reader{i.Dir}
	data, err := images.Config(context.Background(), store, desc, platforms.Only(platform))
	if err != nil {
		return config, fmt.Errorf("%s: %w", i.Dir, err)
	}
	return config, readJSON(store, data, &config)
}

// Labels returns the labels of the image; if it is for several platforms, those for
// this computer.
func (i Image) Labels() (map[string]string, error) {
	config, err := i.Config(platforms.DefaultSpec())
	return config.Config.Labels, err
}

// Platform returns the platform of the image. It is not ok if the image is for several
// platforms, or does not say.
func (i Image) Platform() (p ocispec.Platform, ok bool, err error) {
	desc, err := i.Descriptor()
	if err != nil || !images.IsManifestType(desc.MediaType) {
		return p, false, err
	}
	store := reader{i.Dir}
	var manifest ocispec.Manifest
	if err := readJSON(store, desc, &manifest); err != nil {
		return p, false, err
	}
	err = readJSON(store, manifest.Config, &p)
	return platforms.Normalize(p), p.OS != "" && p.Architecture != "", err
}

// ID returns the name that podman gives to the image: the digest of its
// configuration. If the image is for several platforms, it is that for this
// computer.
func (i Image) ID() (digest.Digest, error) {
	desc, err := i.Descriptor()
	if err != nil {
		return "", err
	}
	config, err := images.Config(context.Background(), reader{i.Dir}, desc, platforms.Default())
	return config.Digest, err
}

// readJSON decodes a blob.
func readJSON(store content.Provider, desc ocispec.Descriptor, v any) error {
	if err := checkSize(desc); err != nil {
		return err
	}
	data, err := content.ReadBlob(context.Background(), store, desc)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// Store opens the blobs of the layout dir for BuildKit, to read and to write.
func Store(dir string) (content.Store, error) {
	logrus.SetOutput(io.Discard) // containerd logs errors that it also returns, and messages that users do not need
	return contentlocal.NewStore(dir)
}

// readIndex returns the index of the layout dir.
func readIndex(dir string) (ocispec.Index, error) {
	var index ocispec.Index
	_, err := os.Stat(filepath.Join(dir, ocispec.ImageLayoutFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return index, err
	}
	data, errIndex := plainfile.Read(filepath.Join(dir, ocispec.ImageIndexFile), maxJSON)
	if err != nil || errors.Is(errIndex, fs.ErrNotExist) {
		return index, fmt.Errorf("%s: not an OCI layout", dir)
	}
	if errIndex != nil {
		return index, errIndex
	}
	if err := json.Unmarshal(data, &index); err != nil {
		return index, fmt.Errorf("%s: %w", filepath.Join(dir, ocispec.ImageIndexFile), err)
	}
	return index, nil
}

// choose returns the image with this digest or name.
func choose(all []ocispec.Descriptor, name string) (ocispec.Descriptor, error) {
	var found []ocispec.Descriptor
	seen := map[digest.Digest]bool{}
	var names []string
	for _, desc := range all {
		ref := desc.Annotations[ocispec.AnnotationRefName]
		full := desc.Annotations[images.AnnotationImageName]
		names = append(names, strings.TrimSpace(ref+" "+desc.Digest.String()))
		match := name == "" || name == desc.Digest.String() || name == ref || name == full
		if match && !seen[desc.Digest] {
			seen[desc.Digest] = true
			found = append(found, desc)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(all) == 0:
		return ocispec.Descriptor{}, errors.New("no image in it")
	case len(found) == 0:
		return ocispec.Descriptor{}, hint.Add(fmt.Errorf("no image %s in it", name), "there are: %s", strings.Join(names, ", "))
	default:
		return ocispec.Descriptor{}, hint.Add(errors.New("several images in it"), "choose one by its digest: %s", strings.Join(names, ", "))
	}
}
