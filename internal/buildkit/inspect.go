package buildkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"bkt/internal/buildspec"
	"bkt/internal/engine/contract"
	"bkt/internal/ocilayout"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/identity"
	"github.com/moby/buildkit/solver/pb"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/tonistiigi/fsutil"
)

// An Inspection is an image that can be read, and that commands can run in.
type Inspection struct {
	Root   *Tree
	Labels map[string]string
	Env    map[string]string
	Extra  *Tree // the files of the [ExtraMount], or nil

	// CopyID is the ID of the copy in Extra, if that is a folder. All commands that
	// can read it have the ID in their arguments; the engine's records of them are
	// found by it, and deleted afterwards.
	CopyID string

	// Offline is set if commands have no network at all.
	Offline bool
}

// An ExtraMount is a folder or another image for commands to use; it may be empty.
type ExtraMount struct {
	Folder  string
	Exclude []string // patterns of files in Folder that are not sent to the engine
	Layout  ocilayout.Image

	copyID string // of the copy of Folder on the engine
}

// Inspect builds s without storing the image, and calls visit with it. Progress
// goes to log. With a broken cache, it builds again as [Builder.Build] does.
func (b Builder) Inspect(ctx context.Context, s buildspec.Spec, extra ExtraMount, log io.Writer, visit func(context.Context, Inspection) error) error {
	in, err := b.Inputs(ctx, s)
	if err != nil {
		return err
	}
	b.packages = new(packageList)
	visited := false
	visitOnce := func(ctx context.Context, i Inspection) error {
		visited = true
		return visit(ctx, i)
	}
	inspect := func(s buildspec.Spec) error {
		return b.inspect(ctx, s, extra, log, visitOnce, func(ctx context.Context, c stepClient) (Inspection, error) {
			b := b
			b.Proxies = c.proxies
			res, err := b.frontend(s, in)(ctx, c.Client)
			if err != nil {
				return Inspection{}, err
			}
			return newInspection(c, s, res)
		})
	}
	err = inspect(s)
	if !visited && b.mayRepeat(s, err) {
		s.NoCache = true
		err = inspect(s)
	}
	return err
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
	extra = extra.named()
	if err := extra.add(&opt); err != nil {
		return err
	}
	c, err := b.connect(ctx, log)
	if err != nil {
		return err
	}
	defer c.Close()
	b.Config.Address = c.Address
	if err := removeLeftCopies(ctx, c.Client); err != nil {
		return err
	}
	network, err := b.openNetwork(ctx, c, s, &opt, log)
	if err != nil {
		return err
	}
	b.Proxies = network.reachable(b, c, s)
	_, err = b.solve(ctx, c.Client, opt, func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		steps := stepClient{c, network.mode, b.proxies(s)}
		i, err := open(ctx, steps)
		if err != nil {
			return nil, err
		}
		i.Extra, i.CopyID, i.Offline = extra.tree(steps), extra.copyID, network.mode == pb.NetMode_NONE
		return gateway.NewResult(), visit(ctx, i)
	}, log)
	network.close()
	removed := extra.remove(ctx, c.Client)
	if err != nil {
		err = network.withCause(b.withCause(s, b.explain(ctx, c.Client, s.Containerfile, err)))
	}
	return errors.Join(err, removed)
}

// extraName is the name of the extra mount on the engine.
const extraName = "extra-mount"

// named returns m with an ID for the copy of its folder.
func (m ExtraMount) named() ExtraMount {
	if m.Folder != "" {
		m.copyID = contract.CopyPrefix + identity.NewID()
	}
	return m
}

// add adds the mount to a build.
func (m ExtraMount) add(opt *client.SolveOpt) (err error) {
	if m.Folder != "" {
		// BuildKit's history would keep the output of commands.
		opt.Internal = true
		files, errOpen := fsutil.NewFS(m.Folder)
		if errOpen != nil {
			return errOpen
		}
		opt.LocalMounts[m.copyID], err = fsutil.NewFilterFS(buildspec.Sendable(files), &fsutil.FilterOpt{ExcludePatterns: m.Exclude})
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
		// With a SharedKeyHint, the engine would keep the copy for later builds.
		return &Tree{c: c, state: llb.Local(m.copyID, llb.WithCustomName("[hooks] copy the home"))}
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
