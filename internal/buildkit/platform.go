package buildkit

import (
	"fmt"
	"maps"
	"slices"

	"bkt/internal/dockerfile"
	"bkt/internal/hint"
	"bkt/internal/ocilayout"

	"github.com/containerd/platforms"
)

// checkPlatforms returns an error if s asks for a platform, and one of its
// layouts holds an image for another: BuildKit would take it all the same. A
// Containerfile whose stages say themselves what they run on knows better.
func checkPlatforms(f *dockerfile.File, s Spec) error {
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
func checkPlatform(l ocilayout.Image, wanted []string) error {
	own, ok, err := l.Platform()
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

// layoutOf returns the layout of s that stands in for the image name.
func layoutOf(s Spec, name string) (ocilayout.Image, bool) {
	if l, ok := s.Images[name]; ok {
		return l, true
	}
	for _, other := range slices.Sorted(maps.Keys(s.Images)) {
		if dockerfile.SameImage(dockerfile.ShortName(other), dockerfile.ShortName(name)) {
			return s.Images[other], true
		}
	}
	return ocilayout.Image{}, false
}
