package buildkit

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"bkt/internal/dockerfile"
	"bkt/internal/hint"
	"bkt/internal/image"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// checkPlatforms returns an error if s asks for a platform, and one of its
// layouts holds an image for another: BuildKit would take it all the same. A
// Containerfile whose stages say themselves what they run on knows better.
func checkPlatforms(f *dockerfile.File, s image.Spec) error {
	if len(s.Platforms) == 0 || f.NamesPlatform() {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(s.Images)) {
		if err := checkPlatform(s.Images[name], s.Platforms); err != nil {
			return fmt.Errorf("image %s: %w", name, err)
		}
	}
	return nil
}

// checkPlatform returns an error if l is a single image, and not for all of wanted.
func checkPlatform(l image.Layout, wanted []string) error {
	own, ok, err := platformOf(l)
	if err != nil || !ok {
		return err
	}
	for _, text := range wanted {
		p, err := platforms.Parse(text)
		if err != nil {
			return err
		}
		if !platforms.Only(p).Match(own) {
			err := fmt.Errorf("%s: it is for %s, not for %s", l.Dir, platforms.Format(own), text)
			return hint.Add(err, "read it from a folder with an image for %s, or build without that platform: --platform %s", text, platforms.Format(own))
		}
	}
	return nil
}

// platformOf returns what the image of l is for, if it is for one platform only
// and says so.
func platformOf(l image.Layout) (p ocispec.Platform, ok bool, err error) {
	index, err := readIndex(l.Dir)
	if err != nil {
		return p, false, err
	}
	desc, err := choose(index.Manifests, l.Digest.String())
	if err != nil || !images.IsManifestType(desc.MediaType) {
		return p, false, err
	}
	store, err := openStore(l.Dir)
	if err != nil {
		return p, false, err
	}
	var manifest ocispec.Manifest
	if err := readBlob(store, desc, &manifest); err != nil {
		return p, false, err
	}
	err = readBlob(store, manifest.Config, &p)
	return platforms.Normalize(p), p.OS != "" && p.Architecture != "", err
}

// layoutOf returns the layout of s that stands in for the image name.
func layoutOf(s image.Spec, name string) (image.Layout, bool) {
	if l, ok := s.Images[name]; ok {
		return l, true
	}
	for _, other := range slices.Sorted(maps.Keys(s.Images)) {
		if dockerfile.SameImage(dockerfile.ShortName(other), dockerfile.ShortName(name)) {
			return s.Images[other], true
		}
	}
	return image.Layout{}, false
}

// ReadConfig returns the configuration of the image l, or of that of its images
// which is for platform.
func ReadConfig(l image.Layout, platform ocispec.Platform) (config ocispec.Image, err error) {
	index, err := readIndex(l.Dir)
	if err != nil {
		return config, err
	}
	desc, err := choose(index.Manifests, l.Digest.String())
	if err != nil {
		return config, err
	}
	store, err := openStore(l.Dir)
	if err != nil {
		return config, err
	}
	data, err := images.Config(context.Background(), store, desc, platforms.Only(platform))
	if err != nil {
		return config, fmt.Errorf("%s: %w", l.Dir, err)
	}
	return config, readBlob(store, data, &config)
}

func readBlob(store content.Store, desc ocispec.Descriptor, v any) error {
	data, err := content.ReadBlob(context.Background(), store, desc)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}
