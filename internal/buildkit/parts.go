package buildkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"bkt/internal/buildspec"
	"bkt/internal/engineclient"
	"bkt/internal/hint"
	"bkt/internal/ocilayout"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A part is what one engine builds of an image: all of it, or some platforms.
type part struct {
	Builder // with the Config of that engine
	spec    buildspec.Spec
	opt     client.SolveOpt  // spec, translated for BuildKit
	inputs  buildspec.Inputs // of the whole image
}

// parts returns the parts of s. It contacts no engine, so that an error in s is found
// before one starts.
func (b Builder) parts(ctx context.Context, s buildspec.Spec, dir string) ([]part, error) {
	parts, err := b.split(s)
	if err != nil {
		return nil, err
	}
	if len(parts) > 1 && len(b.Exports) > 0 {
		return nil, hint.Add(errors.New("an image that several engines build can only be written as a layout"), "leave out type=… of --output")
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
func (b Builder) split(s buildspec.Spec) ([]part, error) {
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
			err := fmt.Errorf("--engine names an engine for %s, but the build is not for that platform", platform)
			return nil, hint.Add(err, "add --platform %s, or leave out that --engine", platform)
		}
	}
	return parts, nil
}

// add adds a platform to the part of the engine at address.
func (b Builder) add(parts []part, s buildspec.Spec, address, platform string) []part {
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

// addresses returns the addresses of the engines for some platforms, by the
// normal form of the platform.
func (b Builder) addresses() (map[string]string, error) {
	all := map[string]string{}
	for _, text := range slices.Sorted(maps.Keys(b.Engines)) {
		platform, err := normal(text)
		if err != nil {
			return nil, err
		}
		if _, duplicate := all[platform]; duplicate {
			return nil, fmt.Errorf("--engine names two engines for %s", platform)
		}
		all[platform] = b.Engines[text]
	}
	return all, nil
}

// on returns b with the engine for the only platform of s, if one is named.
func (b Builder) on(s buildspec.Spec) (Builder, error) {
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

// normal returns the normal form of a platform: linux/arm64 for linux/aarch64.
func normal(text string) (string, error) {
	p, err := platforms.Parse(text)
	if err != nil {
		return "", fmt.Errorf("platform %q: not of the form OS/ARCH", text)
	}
	return platforms.Format(platforms.Normalize(p)), nil
}

// deliver builds p on its engine, and adds the image to out.
func (p part) deliver(ctx context.Context, out *ocilayout.Writer, also []client.ExportEntry, log io.Writer) (ocispec.Descriptor, error) {
	var none ocispec.Descriptor
	c, err := p.connect(ctx, log)
	if err != nil {
		return none, err
	}
	defer c.Close()
	p.logEngineChoice(log, c)
	p.Config.Address = c.Address
	by, err := p.prepare(ctx, c, out, also)
	if err != nil {
		return none, err
	}
	network, err := p.openNetwork(ctx, c, p.spec, &p.opt, log)
	if err != nil {
		return none, err
	}
	p.Proxies = network.reachable(p.Builder, c, p.spec)
	p.packages = new(packageList)
	res, err := p.solve(ctx, c.Client, p.opt, p.frontend(p.spec, p.inputs), log)
	network.close()
	if err != nil {
		return none, network.withCause(p.withCause(p.spec, p.explain(ctx, c.Client, p.spec.Containerfile, err)))
	}
	return by.receive(ctx, res.ExporterResponse)
}

// prepare checks that the engine can do what p asks for, and returns how the image is
// delivered.
func (p *part) prepare(ctx context.Context, c *engineclient.Connection, out *ocilayout.Writer, also []client.ExportEntry) (delivery, error) {
	if err := c.Measure(ctx); err != nil {
		return nil, err
	}
	if err := p.checkAbilities(c); err != nil {
		return nil, err
	}
	by, err := p.delivery(c, out)
	if err != nil {
		return nil, err
	}
	p.opt.Exports = append(also, by.export()) // the engine's answer is about the last
	return by, nil
}
