// Package buildkit builds images with a BuildKit engine.
//
// Package engineclient connects to the engine. BuildKit's frontend for
// Containerfiles runs in this process, so that every engine supports the same
// syntax.
//
// The package reads no environment variables, and prints nothing but progress.
package buildkit

import (
	"context"
	"errors"
	"fmt"
	"io"

	"bkt/internal/buildspec"
	"bkt/internal/crash"
	"bkt/internal/engineclient"
	"bkt/internal/hint"
	"bkt/internal/ocilayout"
	"bkt/internal/proxy"

	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/util/progress/progressui"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// A Builder builds images with the engine that its Config names.
type Builder struct {
	Config   engineclient.Config
	Progress string   // auto, tty, plain, rawjson or quiet; empty: auto
	Verbose  bool     // log which engine builds, even if it is the first choice
	Exclude  []string // folders in the build context that are never sent

	// Engines are the addresses of the engines for some platforms, such as
	// linux/arm64. The engine of Config builds for the others.
	Engines map[string]string
	// Pull resolves tags in registries again, even if the engine has the image.
	Pull bool
	// Exports are further forms of the image.
	Exports []Export
	// Compression is the compression of new layers, "zstd" or "gzip"; empty: zstd.
	Compression string
	// Attest are attestations to add, "sbom" and "provenance", with their
	// parameters.
	Attest map[string]string
	// Packages adds a label with the digest of the list of packages.
	Packages bool
	// CacheFrom and CacheTo are caches outside the engine, as in
	// "type=registry,ref=example.org/cache".
	CacheFrom, CacheTo []string
	// Secrets are the files that RUN --mount=type=secret can read, by id.
	Secrets map[string]string
	// SSH are the sockets of agents, or the files of keys, that RUN
	// --mount=type=ssh can use, by id.
	SSH map[string][]string
	// Network is the network of steps: [DefaultNetwork], [HostNetwork] or [NoNetwork];
	// empty: the default.
	Network string
	// Ports are ports of 127.0.0.1 on this machine that steps reach.
	Ports []int
	// Proxies are the proxies of steps. Those among the build arguments of a spec have
	// precedence.
	Proxies proxy.Set
	// Warn receives warnings about the network of steps. It may be nil.
	Warn func(error)
	// Credentials returns the user and the password for the registry host, both
	// empty for none. It may be nil.
	Credentials func(ctx context.Context, host string) (user, secret string, err error)

	outputs  []string     // the folders and archives that the image is written to
	packages *packageList // nil: no names are suggested
}

// Build builds s into the OCI layout dir and returns the image. If it fails,
// the image that was in dir before is still there. If a step fails, the error
// is a [buildspec.StepError]. Progress goes to log.
//
// If the engine's cache is broken, the image is built again, once, without the cache.
func (b Builder) Build(ctx context.Context, s buildspec.Spec, dir string, log io.Writer) (ocilayout.Image, error) {
	l, err := b.build(ctx, s, dir, log)
	if b.mayRepeat(s, err) {
		s.NoCache = true
		l, err = b.build(ctx, s, dir, log)
	}
	return l, err
}

// mayRepeat reports whether a build of s failed because of a broken record in the cache,
// and warns about it: without the cache, it may succeed.
func (b Builder) mayRepeat(s buildspec.Spec, err error) bool {
	if _, broken := errors.AsType[brokenRecordError](err); !broken || s.NoCache {
		return false
	}
	if b.Warn != nil {
		b.Warn(fmt.Errorf("the cache of the engine has a broken record, and %s is built again without the cache: %w", s.Containerfile, errors.New(err.Error())))
	}
	return true
}

func (b Builder) build(ctx context.Context, s buildspec.Spec, dir string, log io.Writer) (ocilayout.Image, error) {
	b.outputs = []string{dir}
	for _, e := range b.Exports {
		b.outputs = append(b.outputs, e.Dest)
	}
	parts, err := b.parts(ctx, s, dir)
	if err != nil {
		return ocilayout.Image{}, err
	}
	if err := s.CheckOutput(dir); err != nil {
		return ocilayout.Image{}, err
	}
	out, err := ocilayout.Create(ctx, dir, func() { b.say(log, "waiting for another build into "+dir) })
	if err != nil {
		return ocilayout.Image{}, err
	}
	defer out.Close()
	also, err := openExports(b.Exports)
	if err != nil {
		return ocilayout.Image{}, err
	}
	defer also.abandon()
	var descs []ocispec.Descriptor
	for _, p := range parts {
		desc, err := p.deliver(ctx, out, also.entries(), log)
		if err != nil {
			return ocilayout.Image{}, err
		}
		descs = append(descs, desc)
	}
	whole, err := out.Join(ctx, descs, s.Platforms)
	if err != nil {
		return ocilayout.Image{}, err
	}
	if err := also.finish(); err != nil {
		return ocilayout.Image{}, err
	}
	return out.Commit(ctx, whole, func() { b.say(log, "waiting for what reads the image in "+dir) })
}

// solve runs a build on the engine, and shows its progress on log.
func (b Builder) solve(ctx context.Context, c *client.Client, opt client.SolveOpt, build gateway.BuildFunc, log io.Writer) (*client.SolveResponse, error) {
	display, err := progressui.NewDisplay(log, progressui.DisplayMode(b.Progress))
	if err != nil {
		return nil, fmt.Errorf("progress %q: %w", b.Progress, err)
	}
	var res *client.SolveResponse
	var work errgroup.Group
	status, shown := make(chan *client.SolveStatus), make(chan *client.SolveStatus)
	var seen symptoms
	var broken error
	work.Go(func() (err error) {
		defer crash.Recover(&err)
		res, err = c.Build(ctx, opt, "", guard(build, &broken), status)
		return err
	})
	work.Go(func() (err error) {
		defer drain(status) // the build waits for its reader
		defer close(shown)
		defer crash.Recover(&err)
		for s := range status {
			seen.add(s)
			shown <- s
		}
		return nil
	})
	work.Go(func() (err error) {
		defer drain(shown)
		defer crash.Recover(&err)
		// A cancelled build shows its last steps, too.
		_, err = display.UpdateFrom(context.WithoutCancel(ctx), shown)
		return err
	})
	err = work.Wait()
	switch {
	case broken != nil: // the engine returned only its text
		err = broken
	case err != nil:
		err = seen.mark(err)
	}
	return res, err
}

// guard returns build, which BuildKit calls in a goroutine of its own. A panic
// becomes an error, and is also stored in *broken.
func guard(build gateway.BuildFunc, broken *error) gateway.BuildFunc {
	return func(ctx context.Context, c gateway.Client) (res *gateway.Result, err error) {
		defer func() {
			if v := recover(); v != nil {
				*broken = crash.From(v)
				err = *broken
			}
		}()
		return build(ctx, c)
	}
}

// drain reads the rest of c, so that its writer can continue.
func drain[T any](c <-chan T) {
	for range c {
	}
}

// say writes a line to log, unless the progress is quiet or for programs.
func (b Builder) say(log io.Writer, line string) {
	switch progressui.DisplayMode(b.Progress) {
	case progressui.RawJSONMode, progressui.QuietMode:
	default:
		fmt.Fprintln(log, line)
	}
}

// connect returns a connection to the first usable engine. It logs when it waits.
func (b Builder) connect(ctx context.Context, log io.Writer) (*engineclient.Connection, error) {
	return engineclient.Connect(ctx, b.Config, func(who string) { b.say(log, "waiting for "+who+" to answer") })
}

// logEngineChoice logs which engine builds, if it is not the expected one, and
// why the others do not.
func (b Builder) logEngineChoice(log io.Writer, c *engineclient.Connection) {
	for _, r := range c.Refused {
		for _, err := range hint.Split(r.Err) {
			b.say(log, "not with "+r.Name+": "+err.Error())
		}
	}
	if b.Verbose || len(c.Refused) > 0 {
		b.say(log, "building with "+c.Name())
	}
}
