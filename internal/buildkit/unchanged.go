package buildkit

import (
	"context"
	"errors"

	"bkt/internal/buildspec"
	"bkt/internal/ocilayout"
)

// Inputs returns the inputs that determine the result of a build of s.
func (b Builder) Inputs(ctx context.Context, s buildspec.Spec) (buildspec.Inputs, error) {
	return s.Inputs(ctx, buildspec.Options{Version: b.Config.Version, Compression: b.compression(), Attest: b.Attest, Exclude: b.excluded()})
}

// excluded returns the folders that are never sent.
func (b Builder) excluded() []string { return append([]string{b.Config.Root}, b.Exclude...) }

// Unchanged returns the image in the layout dir, and true if it is complete and was
// built from the current inputs of s. It contacts neither engine nor registry.
func (b Builder) Unchanged(ctx context.Context, s buildspec.Spec, dir string) (ocilayout.Image, bool) {
	if s.NoCache || b.Pull || len(s.RerunLines)+len(b.Exports)+len(b.CacheTo) > 0 {
		return ocilayout.Image{}, false
	}
	_, errOurs := ocilayout.CheckOwn(dir)
	_, errOptions := b.options(s, dir)
	if errOurs != nil || errOptions != nil {
		return ocilayout.Image{}, false // the build reports the error
	}
	l, err := ocilayout.Find(dir, "")
	if err != nil {
		return l, false
	}
	in, err := b.Inputs(ctx, s)
	if err != nil || len(in.Open) > 0 {
		return l, false
	}
	want, err := in.Digest(nil)
	if err != nil {
		return l, false
	}
	config, err := l.Config(s.FirstPlatform())
	return l, err == nil && config.Config.Labels[buildspec.InputsLabel] == want.String()
}

// IsOutdated reports whether the Containerfile of s, or a file that it reads, has
// changed since the image l was built. An image without the label for that is an
// error.
func (b Builder) IsOutdated(ctx context.Context, s buildspec.Spec, l ocilayout.Image) (bool, error) {
	platform := s.FirstPlatform()
	if only, ok, err := l.Platform(); err == nil && ok {
		platform = only
	}
	config, err := l.Config(platform)
	if err != nil {
		return false, err
	}
	label := config.Config.Labels[buildspec.SourcesLabel]
	if label == "" {
		return false, errors.New("it was built by another version of bkt")
	}
	now, err := s.SourcesDigest(ctx, b.excluded())
	return label != now.String(), err
}
