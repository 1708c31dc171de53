package buildkit

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"

	"bkt/internal/buildspec"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	frontend "github.com/moby/buildkit/frontend/dockerfile/builder"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// epochArg is the build argument with the date of everything that a build creates; see
// https://reproducible-builds.org/docs/source-date-epoch/.
const epochArg = "SOURCE_DATE_EPOCH"

// frontend returns the function that turns the Containerfile of s into a
// definition for an engine. in are the inputs of the whole image; s may have
// only some of its platforms.
func (b Builder) frontend(s buildspec.Spec, in buildspec.Inputs) gateway.BuildFunc {
	return func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		t := &clientWithOpts{Client: c, opts: maps.Clone(c.BuildOpts().Opts), rerun: s.RerunLines, packages: b.packages}
		b.addProxies(t.opts, s)
		var undated error
		if _, set := s.Args[epochArg]; !set {
			base := in.FinalBase(s)
			var epoch int64
			epoch, undated = b.epoch(ctx, c, s, base)
			t.opts["build-arg:"+epochArg] = strconv.FormatInt(epoch, 10)
		}
		if label, ok := b.inputsLabel(ctx, c, s, in); ok {
			t.opts["label:"+buildspec.InputsLabel] = label
		}
		sources, err := in.Sources()
		if err != nil {
			return nil, err
		}
		t.opts["label:"+buildspec.SourcesLabel] = sources.String()
		res, err := frontend.Build(ctx, t)
		if err == nil { // the error of the build says more about a bad base
			err = undated
		}
		if err == nil {
			err = describe(res, in.HasLabel(s), s.Provenance)
		}
		if err != nil || !b.Packages {
			return res, err
		}
		return res, labelPackages(ctx, c, res)
	}
}

// inputsLabel returns the digest of in. It is not ok if a registry does not
// resolve an image; the build then fails with a better error.
func (b Builder) inputsLabel(ctx context.Context, c gateway.Client, s buildspec.Spec, in buildspec.Inputs) (string, bool) {
	found := map[string]digest.Digest{}
	for _, name := range in.Open {
		d, _, err := b.lookUp(ctx, c, name, s.FirstPlatform())
		if err != nil {
			return "", false
		}
		found[name] = d
	}
	d, err := in.Digest(found)
	return d.String(), err == nil
}

// lookUp returns the digest of an image in a registry, and its configuration for
// platform.
func (b Builder) lookUp(ctx context.Context, c gateway.Client, name string, platform ocispec.Platform) (digest.Digest, []byte, error) {
	ref, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return "", nil, err
	}
	o := sourceresolver.Opt{ImageOpt: &sourceresolver.ResolveImageOpt{Platform: &platform}}
	if b.Pull {
		o.ImageOpt.ResolveMode = "pull"
	}
	_, d, config, err := c.ResolveImageConfig(ctx, reference.TagNameOnly(ref).String(), o)
	return d, config, err
}

// clientWithOpts is a client of the engine that gives the frontend other
// options than the engine has, and runs some steps again.
type clientWithOpts struct {
	gateway.Client
	opts     map[string]string
	rerun    []int // lines
	packages *packageList
}

// BuildOpts returns the options for the frontend.
func (t *clientWithOpts) BuildOpts() gateway.BuildOpts {
	o := t.Client.BuildOpts()
	o.Opts = t.opts
	return o
}

// epoch returns when the base of the image was created, in seconds since 1970:
// the time of the last commit would change all layers with each commit. It is 0
// without a base, and for a base without a date. A base that cannot be read is
// an error.
func (b Builder) epoch(ctx context.Context, c gateway.Client, s buildspec.Spec, base string) (int64, error) {
	if base == "" {
		return 0, nil
	}
	var config ocispec.Image
	var err error
	if l, ok := s.Layout(base); ok {
		config, err = l.Config(s.FirstPlatform())
	} else {
		config, err = b.remoteConfig(ctx, c, base, s.FirstPlatform())
	}
	if err != nil {
		return 0, fmt.Errorf("%s: cannot read when it was created, which is the date of the image: %w", base, err)
	}
	if config.Created == nil {
		return 0, nil
	}
	return config.Created.Unix(), nil
}

// remoteConfig returns the configuration of an image in a registry.
func (b Builder) remoteConfig(ctx context.Context, c gateway.Client, name string, platform ocispec.Platform) (config ocispec.Image, err error) {
	_, data, err := b.lookUp(ctx, c, name, platform)
	if err == nil {
		err = json.Unmarshal(data, &config)
	}
	return config, err
}
