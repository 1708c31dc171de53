// Package buildkit builds images with a BuildKit engine.
//
// The engine is one that is given by its address or else bkt's own, which is
// started if it does not run. Containerfiles are turned into BuildKit's terms
// in this process, so what an engine can do does not depend on which
// Containerfile syntax it knows.
//
// The package reads no environment variables and prints nothing but progress.
// The engine itself is package engine's affair, and linked into another program.
package buildkit

import (
	"context"
	"fmt"
	"io"

	"bkt/internal/buildspec"
	"bkt/internal/crash"
	"bkt/internal/engineclient"
	"bkt/internal/hint"
	"bkt/internal/ocilayout"

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
	Verbose  bool     // say which engine it is, even if it is the first choice
	Exclude  []string // folders that are never sent, if they lie in the context

	// Engines are the addresses of those that build for a platform, such as
	// linux/arm64; Config says which builds for the others.
	Engines map[string]string
	// Pull asks registries for tags again, even for images that are there.
	Pull bool
	// Exports are further forms of the image.
	Exports []Export
	// Compression is that of new layers, "zstd" or "gzip"; empty: zstd.
	Compression string
	// Attest are attestations to make, with what to tell those who make them:
	// "sbom" and "provenance".
	Attest map[string]string
	// Packages gives the image a label with the digest of the list of its
	// packages.
	Packages bool
	// CacheFrom and CacheTo are caches outside the engine, as in
	// "type=registry,ref=example.org/cache".
	CacheFrom, CacheTo []string
	// Secrets are files that RUN --mount=type=secret may read, by id.
	Secrets map[string]string
	// SSH are agents, or keys, that RUN --mount=type=ssh may use, by id: the
	// paths of sockets or of files.
	SSH map[string][]string
	// Credentials returns what to log in to the registry host with; nil, or
	// empty words, for nothing.
	Credentials func(ctx context.Context, host string) (user, secret string, err error)
}

// Build builds s into the OCI layout dir and returns it. If it fails, the image
// that was in dir before is still there. The error of a step that failed is a
// [buildspec.StepError].
func (b Builder) Build(ctx context.Context, s buildspec.Spec, dir string, log io.Writer) (ocilayout.Image, error) {
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

// solve has the engine do the work, and shows on log how it gets on.
func (b Builder) solve(ctx context.Context, c *client.Client, opt client.SolveOpt, build gateway.BuildFunc, log io.Writer) (*client.SolveResponse, error) {
	display, err := progressui.NewDisplay(log, progressui.DisplayMode(b.Progress))
	if err != nil {
		return nil, fmt.Errorf("progress %q: %w", b.Progress, err)
	}
	var res *client.SolveResponse
	var work errgroup.Group
	status, shown := make(chan *client.SolveStatus), make(chan *client.SolveStatus)
	foreign := false
	var broken error
	work.Go(func() (err error) {
		defer crash.Recover(&err)
		res, err = c.Build(ctx, opt, "", guard(build, &broken), status)
		return err
	})
	work.Go(func() (err error) {
		defer drain(status) // the build waits for whoever reads this
		defer close(shown)
		defer crash.Recover(&err)
		for s := range status {
			foreign = foreign || isUnrunnable(s)
			shown <- s
		}
		return nil
	})
	work.Go(func() (err error) {
		defer drain(shown)
		defer crash.Recover(&err)
		// What happens while a cancelled build is wound up is shown too.
		_, err = display.UpdateFrom(context.WithoutCancel(ctx), shown)
		return err
	})
	err = work.Wait()
	switch {
	case broken != nil: // of which the engine has handed back no more than the text
		err = broken
	case err != nil && foreign:
		err = foreignError{err}
	}
	return res, err
}

// guard returns build, which BuildKit calls in a goroutine of its own, with a
// panic of it as an error, which it also puts into *broken.
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

// drain reads what is left in c, so that whoever writes to it can go on.
func drain[T any](c <-chan T) {
	for range c {
	}
}

// say writes a line to log, unless that is for nothing or for programs to read.
func (b Builder) say(log io.Writer, line string) {
	switch progressui.DisplayMode(b.Progress) {
	case progressui.RawJSONMode, progressui.QuietMode:
	default:
		fmt.Fprintln(log, line)
	}
}

// connect returns a connection to the first engine that can be used. It logs what it
// waits for.
func (b Builder) connect(ctx context.Context, log io.Writer) (*engineclient.Connection, error) {
	return engineclient.Connect(ctx, b.Config, func(who string) { b.say(log, "waiting for "+who+" to answer") })
}

// logEngineChoice logs which engine builds, if it is not the expected one, and why the
// others do not.
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
