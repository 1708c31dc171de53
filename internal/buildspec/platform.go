package buildspec

import (
	"fmt"
	"maps"
	"slices"

	"bkt/internal/dockerfile"
	"bkt/internal/hint"
	"bkt/internal/ocilayout"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// CheckPlatforms returns an error if s names a platform, and one of its layouts holds
// an image for another one, which BuildKit would still use. A Containerfile with a FROM
// --platform is not checked.
func (s Spec) CheckPlatforms(f *dockerfile.File) error {
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

// checkPlatform returns an error if l is an image for one platform, and not for
// all of wanted.
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

// FirstPlatform returns the first platform of s, or else this computer's.
func (s Spec) FirstPlatform() ocispec.Platform {
	if len(s.Platforms) > 0 {
		if p, err := platforms.Parse(s.Platforms[0]); err == nil {
			return p
		}
	}
	return platforms.DefaultSpec()
}
