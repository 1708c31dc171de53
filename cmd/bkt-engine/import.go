package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"bkt/internal/ocilayout"
	"bkt/internal/registry"

	"github.com/opencontainers/go-digest"
)

type importCmd struct {
	Archive string `arg:"" help:"A docker archive with one image."`
	Dir     string `arg:"" help:"The OCI layout to make of it."`
}

// Run turns an archive into a layout.
func (c *importCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return registry.Import(ctx, c.Archive, c.Dir)
}

type exportCmd struct {
	Dir     string `arg:"" help:"An OCI layout."`
	Archive string `arg:"" help:"The docker archive to make of it."`
	Name    string `arg:"" help:"The name of the image in the archive."`
	Digest  string `required:"" placeholder:"DIGEST" help:"Which image of the layout: another one there is an error."`
}

// Run turns a layout into an archive.
func (c *exportCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return registry.Export(ctx, ocilayout.Image{Dir: c.Dir, Digest: digest.Digest(c.Digest)}, c.Archive, c.Name)
}
