package buildkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/image"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	contentlocal "github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// ReadLayout finds an image in the OCI layout dir. name is its digest or its
// name in there; it may be empty if there is only one. All of the image is
// there if ReadLayout says so.
func ReadLayout(dir, name string) (image.Layout, error) {
	index, err := readIndex(dir)
	if err != nil {
		return image.Layout{}, err
	}
	desc, err := choose(index.Manifests, name)
	if err != nil {
		return image.Layout{}, fmt.Errorf("%s: %w", dir, err)
	}
	if _, err := blobs(context.Background(), reading{dir}, desc); err != nil {
		return image.Layout{}, fmt.Errorf("%s: incomplete: %w", dir, err)
	}
	return image.Layout{Dir: dir, Digest: desc.Digest}, nil
}

// openStore opens the blobs of the layout dir.
func openStore(dir string) (content.Store, error) {
	quiet()
	return contentlocal.NewStore(dir)
}

func readIndex(dir string) (ocispec.Index, error) {
	var index ocispec.Index
	_, err := os.Stat(filepath.Join(dir, ocispec.ImageLayoutFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return index, err
	}
	data, errIndex := os.ReadFile(filepath.Join(dir, ocispec.ImageIndexFile))
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

// choose picks the image that name means.
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

// small is the size up to which blobs are read to see whether they are whole:
// that of manifests and configurations, and of hardly a layer.
const small = 1 << 20

// blobs returns the digests of desc and of all that it refers to. One that is
// missing, not of its size or, if it is small, not of its digest is an error.
func blobs(ctx context.Context, store readStore, desc ocispec.Descriptor) (map[digest.Digest]bool, error) {
	found := map[digest.Digest]bool{}
	children := images.ChildrenHandler(store)
	err := images.Walk(ctx, images.HandlerFunc(func(ctx context.Context, d ocispec.Descriptor) ([]ocispec.Descriptor, error) {
		info, err := store.Info(ctx, d.Digest)
		if errdefs.IsNotFound(err) {
			return nil, fmt.Errorf("blob %s is missing", d.Digest)
		}
		if err != nil {
			return nil, err
		}
		if info.Size != d.Size {
			return nil, fmt.Errorf("blob %s has %d bytes, not %d", d.Digest, info.Size, d.Size)
		}
		if err := verify(ctx, store, d); err != nil {
			return nil, err
		}
		found[d.Digest] = true
		return children(ctx, d)
	}), desc)
	return found, err
}

// verify returns an error if a small blob is not what its digest says.
func verify(ctx context.Context, store readStore, d ocispec.Descriptor) error {
	if d.Size > small {
		return nil
	}
	data, err := content.ReadBlob(ctx, store, d)
	if err != nil {
		return err
	}
	if d.Digest.Algorithm().FromBytes(data) != d.Digest {
		return fmt.Errorf("blob %s is damaged", d.Digest)
	}
	return nil
}
