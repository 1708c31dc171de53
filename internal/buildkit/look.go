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

// A Look is what can be seen of an image that has been built.
type Look struct {
	Root   *Tree
	Labels map[string]string
	Env    map[string]string
	Beside *Tree // what [Builder.Look] was given; nil for nothing
}

// Beside is what is sent along to be looked at: a folder, or another image.
type Beside struct {
	Folder string
	Layout ocilayout.Image
}

// Look builds s, of which nothing is kept, and has look run commands in it.
func (b Builder) Look(ctx context.Context, s buildspec.Spec, beside Beside, log io.Writer, look func(context.Context, Look) error) error {
	in, err := b.Inputs(ctx, s)
	if err != nil {
		return err
	}
	build := b.frontend(s, in)
	return b.look(ctx, s, beside, log, look, func(ctx context.Context, c gateway.Client) (Look, error) {
		res, err := build(ctx, c)
		if err != nil {
			return Look{}, err
		}
		return newLook(c, s, res)
	})
}

// LookAt is [Builder.Look] for an image that was built from s before, and lies
// in l.
func (b Builder) LookAt(ctx context.Context, l ocilayout.Image, s buildspec.Spec, log io.Writer, look func(context.Context, Look) error) error {
	config, err := l.Config(s.FirstPlatform())
	if err != nil {
		return err
	}
	beside := Beside{Layout: l}
	return b.look(ctx, s, beside, log, look, func(_ context.Context, c gateway.Client) (Look, error) {
		return lookOf(s, config, beside.tree(c)), nil
	})
}

// look has the engine open an image, and look run commands in it.
func (b Builder) look(ctx context.Context, s buildspec.Spec, beside Beside, log io.Writer, look func(context.Context, Look) error, open func(context.Context, gateway.Client) (Look, error)) error {
	b, err := b.on(s)
	if err != nil {
		return err
	}
	opt, err := b.options(s, "")
	if err != nil {
		return err
	}
	if err := beside.add(&opt); err != nil {
		return err
	}
	c, err := b.connect(ctx, log)
	if err != nil {
		return err
	}
	defer c.Close()
	b.Config.Address = c.Address
	_, err = b.solve(ctx, c.Client, opt, func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		l, err := open(ctx, c)
		if err != nil {
			return nil, err
		}
		l.Beside = beside.tree(c)
		return gateway.NewResult(), look(ctx, l)
	}, log)
	if err != nil {
		return b.atFault(s, explain(ctx, c.Client, b.Config, s.Containerfile, err))
	}
	return nil
}

// lookedAt is what the engine calls what is sent along.
const lookedAt = "looked-at"

// add lets the engine read it.
func (b Beside) add(opt *client.SolveOpt) (err error) {
	if b.Folder != "" {
		opt.LocalMounts[lookedAt], err = fsutil.NewFS(b.Folder)
	}
	if b.Layout.Dir != "" {
		opt.OCIStores[lookedAt], err = ocilayout.Store(b.Layout.Dir)
	}
	return err
}

// tree returns its files, or nil if there is nothing.
func (b Beside) tree(c gateway.Client) *Tree {
	switch {
	case b.Folder != "":
		return &Tree{c: c, state: llb.Local(lookedAt)}
	case b.Layout.Dir != "":
		ref := "bkt.local/" + lookedAt + "@" + b.Layout.Digest.String()
		return &Tree{c: c, state: llb.OCILayout(ref, llb.OCIStore(c.BuildOpts().SessionID, lookedAt))}
	}
	return nil
}

// newLook returns the image in res.
func newLook(c gateway.Client, s buildspec.Spec, res *gateway.Result) (Look, error) {
	ref, err := res.SingleRef()
	if err != nil {
		return Look{}, err
	}
	if ref == nil {
		return Look{}, fmt.Errorf("%s: the image is empty", s.Containerfile)
	}
	state, err := ref.ToState()
	if err != nil {
		return Look{}, err
	}
	var config ocispec.Image
	if err := json.Unmarshal(res.Metadata[exptypes.ExporterImageConfigKey], &config); err != nil {
		return Look{}, fmt.Errorf("the configuration of the image: %w", err)
	}
	return lookOf(s, config, &Tree{c: c, state: state, ref: ref}), nil
}

// lookOf returns an image with that configuration, which was built from s.
func lookOf(s buildspec.Spec, config ocispec.Image, root *Tree) Look {
	l := Look{Root: root, Labels: config.Config.Labels, Env: map[string]string{}}
	for _, text := range config.Config.Env {
		name, value, _ := strings.Cut(text, "=")
		l.Env[name] = value
	}
	for name, value := range s.Args {
		if buildspec.IsProxy(name) {
			l.Env[name] = value
		}
	}
	return l
}
