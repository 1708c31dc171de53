package buildkit

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"bkt/internal/buildspec"
	"bkt/internal/ocilayout"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/tonistiigi/fsutil"
)

// An Inspection is an image that can be read, and that commands can run in.
type Inspection struct {
	Root   *Tree
	Labels map[string]string
	Env    map[string]string
	Extra  *Tree // the files of the [ExtraMount], or nil
}

// An ExtraMount is a folder or another image for commands to use; it may be empty.
type ExtraMount struct {
	Folder string
	Layout ocilayout.Image
}

// Inspect builds s without storing the image, and calls visit with it. Progress
// goes to log.
func (b Builder) Inspect(ctx context.Context, s buildspec.Spec, extra ExtraMount, log io.Writer, visit func(context.Context, Inspection) error) error {
	in, err := b.Inputs(ctx, s)
	if err != nil {
		return err
	}
	build := b.frontend(s, in)
	return b.inspect(ctx, s, extra, log, visit, func(ctx context.Context, c stepClient) (Inspection, error) {
		res, err := build(ctx, c.Client)
		if err != nil {
			return Inspection{}, err
		}
		return newInspection(c, s, res)
	})
}

// InspectLayout is like [Builder.Inspect] for l, an image that was built from s
// before.
func (b Builder) InspectLayout(ctx context.Context, l ocilayout.Image, s buildspec.Spec, log io.Writer, visit func(context.Context, Inspection) error) error {
	config, err := l.Config(s.FirstPlatform())
	if err != nil {
		return err
	}
	extra := ExtraMount{Layout: l}
	return b.inspect(ctx, s, extra, log, visit, func(_ context.Context, c stepClient) (Inspection, error) {
		return inspectionOf(config, extra.tree(c)), nil
	})
}

// inspect opens an image on the engine, and calls visit with it.
func (b Builder) inspect(ctx context.Context, s buildspec.Spec, extra ExtraMount, log io.Writer, visit func(context.Context, Inspection) error, open func(context.Context, stepClient) (Inspection, error)) error {
	b, err := b.on(s)
	if err != nil {
		return err
	}
	opt, err := b.options(s, "")
	if err != nil {
		return err
	}
	if err := extra.add(&opt); err != nil {
		return err
	}
	c, err := b.connect(ctx, log)
	if err != nil {
		return err
	}
	defer c.Close()
	b.Config.Address = c.Address
	network, err := b.openNetwork(ctx, c, s, &opt, log)
	if err != nil {
		return err
	}
	_, err = b.solve(ctx, c.Client, opt, func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		steps := stepClient{c, network.mode, b.proxies(s)}
		i, err := open(ctx, steps)
		if err != nil {
			return nil, err
		}
		i.Extra = extra.tree(steps)
		return gateway.NewResult(), visit(ctx, i)
	}, log)
	network.close()
	if err != nil {
		return network.withCause(b.withCause(s, explain(ctx, c.Client, b.Config, s.Containerfile, err)))
	}
	return nil
}

// extraName is the name of the extra mount on the engine.
const extraName = "extra-mount"

// add adds the mount to a build.
func (m ExtraMount) add(opt *client.SolveOpt) (err error) {
	if m.Folder != "" {
		opt.LocalMounts[extraName], err = fsutil.NewFS(m.Folder)
	}
	if m.Layout.Dir != "" {
		opt.OCIStores[extraName], err = ocilayout.Store(m.Layout.Dir)
	}
	return err
}

// tree returns the files of the mount, or nil if it is empty.
func (m ExtraMount) tree(c stepClient) *Tree {
	switch {
	case m.Folder != "":
		return &Tree{c: c, state: llb.Local(extraName)}
	case m.Layout.Dir != "":
		ref := "bkt.local/" + extraName + "@" + m.Layout.Digest.String()
		return &Tree{c: c, state: llb.OCILayout(ref, llb.OCIStore(c.BuildOpts().SessionID, extraName))}
	}
	return nil
}

// newInspection returns the image in res.
func newInspection(c stepClient, s buildspec.Spec, res *gateway.Result) (Inspection, error) {
	ref, err := res.SingleRef()
	if err != nil {
		return Inspection{}, err
	}
	if ref == nil {
		return Inspection{}, fmt.Errorf("%s: the image is empty", s.Containerfile)
	}
	state, err := ref.ToState()
	if err != nil {
		return Inspection{}, err
	}
	var config ocispec.Image
	if err := json.Unmarshal(res.Metadata[exptypes.ExporterImageConfigKey], &config); err != nil {
		return Inspection{}, fmt.Errorf("the configuration of the image: %w", err)
	}
	return inspectionOf(config, &Tree{c: c, state: state, ref: ref}), nil
}

// inspectionOf returns an image with that configuration.
func inspectionOf(config ocispec.Image, root *Tree) Inspection {
	l := Inspection{Root: root, Labels: config.Config.Labels, Env: map[string]string{}}
	for _, text := range config.Config.Env {
		name, value, _ := strings.Cut(text, "=")
		l.Env[name] = value
	}
	return l
}
