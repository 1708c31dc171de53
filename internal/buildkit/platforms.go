package buildkit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"bkt/internal/hint"
	"bkt/internal/image"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A part is what one engine builds of an image: all of it, or some platforms.
type part struct {
	Builder // its Config says which engine
	spec    image.Spec
	opt     client.SolveOpt // spec in BuildKit's terms
	inputs  Inputs          // of the whole image
}

// parts returns what there is to build of s. It asks no engine, so that a
// mistake in s shows before one is started.
func (b Builder) parts(ctx context.Context, s image.Spec, dir string) ([]part, error) {
	parts, err := b.split(s)
	if err != nil {
		return nil, err
	}
	if len(parts) > 1 && len(b.Exports) > 0 {
		return nil, hint.Add(errors.New("an image that several engines build is written as a layout only"), "leave out type=… of --output")
	}
	in, err := b.Inputs(ctx, s)
	if err != nil {
		return nil, err
	}
	for i := range parts {
		p := &parts[i]
		p.inputs = in
		if p.opt, err = p.options(p.spec, dir); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// split returns a part for each engine that s needs.
func (b Builder) split(s image.Spec) ([]part, error) {
	addresses, err := b.addresses()
	if err != nil {
		return nil, err
	}
	if len(addresses) == 0 {
		return []part{{Builder: b, spec: s}}, nil
	}
	var parts []part
	used := map[string]bool{}
	for _, text := range s.Platforms {
		platform, err := normal(text)
		if err != nil {
			return nil, err
		}
		used[platform] = true
		address, ok := addresses[platform]
		if !ok {
			address = b.Config.Address
		}
		parts = b.add(parts, s, address, text)
	}
	for _, platform := range slices.Sorted(maps.Keys(addresses)) {
		if !used[platform] {
			err := fmt.Errorf("there is an engine for %s, which is not built", platform)
			return nil, hint.Add(err, "add --platform %s, or leave the engine out", platform)
		}
	}
	return parts, nil
}

// add adds a platform to the part of the engine at address.
func (b Builder) add(parts []part, s image.Spec, address, platform string) []part {
	for i := range parts {
		if parts[i].Config.Address == address {
			parts[i].spec.Platforms = append(parts[i].spec.Platforms, platform)
			return parts
		}
	}
	b.Config.Address = address
	s.Platforms = []string{platform}
	return append(parts, part{Builder: b, spec: s})
}

// addresses returns the addresses of the engines for a platform, each of which
// is in its usual form.
func (b Builder) addresses() (map[string]string, error) {
	all := map[string]string{}
	for _, text := range slices.Sorted(maps.Keys(b.Engines)) {
		platform, err := normal(text)
		if err != nil {
			return nil, err
		}
		if _, twice := all[platform]; twice {
			return nil, fmt.Errorf("there are two engines for %s", platform)
		}
		all[platform] = b.Engines[text]
	}
	return all, nil
}

// on returns b with the engine that is named for the only platform of s, if one
// is.
func (b Builder) on(s image.Spec) (Builder, error) {
	addresses, err := b.addresses()
	if err != nil || len(s.Platforms) != 1 {
		return b, err
	}
	platform, err := normal(s.Platforms[0])
	if address, ok := addresses[platform]; ok {
		b.Config.Address = address
	}
	return b, err
}

// normal returns the usual form of a platform: linux/arm64 of linux/aarch64.
func normal(text string) (string, error) {
	p, err := platforms.Parse(text)
	if err != nil {
		return "", fmt.Errorf("platform %q: not of the form OS/ARCH", text)
	}
	return platforms.Format(platforms.Normalize(p)), nil
}

// deliver has the engine build p, and brings the image into out.
func (p part) deliver(ctx context.Context, out *output, also []client.ExportEntry, log io.Writer) (ocispec.Descriptor, error) {
	var none ocispec.Descriptor
	c, err := p.connect(ctx, log)
	if err != nil {
		return none, err
	}
	defer c.Close()
	p.introduce(log, c)
	p.Config.Address = c.address
	by, err := p.prepare(ctx, c, out, also)
	if err != nil {
		return none, err
	}
	res, err := p.solve(ctx, c.Client, p.opt, p.frontend(p.spec, p.inputs), log)
	if err != nil {
		return none, p.atFault(p.spec, explain(ctx, c.Client, p.Config, p.spec.Containerfile, err))
	}
	return by.receive(ctx, res.ExporterResponse)
}

// prepare makes p fit for the engine, which has to be able to do what p asks
// for, and returns the way by which the image will come.
func (p *part) prepare(ctx context.Context, c *connection, out *output, also []client.ExportEntry) (delivery, error) {
	if err := c.measure(ctx); err != nil {
		return nil, err
	}
	if err := c.suits(p); err != nil {
		return nil, err
	}
	by, err := p.delivery(c, out)
	if err != nil {
		return nil, err
	}
	p.opt.Exports = append(also, by.export()) // the engine's answer is about the last
	return by, c.adapt(ctx, &p.opt)
}

// join returns the only one of descs, or an index of all of them, which is put
// into o: that of an image for the platforms in order.
func (o *output) join(ctx context.Context, descs []ocispec.Descriptor, order []string) (ocispec.Descriptor, error) {
	if len(descs) == 1 {
		return descs[0], nil
	}
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	for _, desc := range descs {
		manifests, err := o.manifests(desc)
		if err != nil {
			return desc, err
		}
		index.Manifests = append(index.Manifests, manifests...)
	}
	slices.SortStableFunc(index.Manifests, func(a, b ocispec.Descriptor) int { return rank(a, order) - rank(b, order) })
	data, err := json.Marshal(index)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	desc := ocispec.Descriptor{MediaType: index.MediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	return desc, content.WriteBlob(ctx, o.store, "index-"+desc.Digest.String(), bytes.NewReader(data), desc)
}

// manifests returns those that desc, which an engine has given, is or lists, each
// with its platform.
func (o *output) manifests(desc ocispec.Descriptor) ([]ocispec.Descriptor, error) {
	if !images.IsManifestType(desc.MediaType) {
		var index ocispec.Index
		err := readBlob(o.store, desc, &index)
		return index.Manifests, err
	}
	var manifest ocispec.Manifest
	var platform ocispec.Platform
	if err := readBlob(o.store, desc, &manifest); err != nil {
		return nil, err
	}
	err := readBlob(o.store, manifest.Config, &platform)
	desc.Platform, desc.Annotations = &platform, nil
	return []ocispec.Descriptor{desc}, err
}

// rank is where a manifest stands in an index. What belongs to none of the
// platforms, as attestations, comes last.
func rank(desc ocispec.Descriptor, order []string) int {
	if desc.Platform == nil {
		return len(order)
	}
	own := platforms.Format(platforms.Normalize(*desc.Platform))
	i := slices.IndexFunc(order, func(text string) bool {
		wanted, err := normal(text)
		return err == nil && wanted == own
	})
	if i < 0 {
		return len(order)
	}
	return i
}
