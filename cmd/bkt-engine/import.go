package main

import (
	"context"

	"bkt/internal/ocilayout"
	"bkt/internal/registry"

	"github.com/opencontainers/go-digest"
)

type importCmd struct {
	Archive string `arg:"" help:"A docker archive with one image."`
	Dir     string `arg:"" help:"The new OCI layout."`
}

// Run converts an archive to a layout.
func (c *importCmd) Run(ctx context.Context) error {
	return registry.Import(ctx, c.Archive, c.Dir)
}

type exportCmd struct {
	Dir     string `arg:"" help:"An OCI layout."`
	Archive string `arg:"" help:"The new docker archive."`
	Name    string `arg:"" help:"The name of the image in the archive."`
	Digest  string `required:"" placeholder:"DIGEST" help:"The image of the layout. It is an error if the layout no longer holds it."`
}

// Run converts a layout to an archive.
func (c *exportCmd) Run(ctx context.Context) error {
	return registry.Export(ctx, ocilayout.Image{Dir: c.Dir, Digest: digest.Digest(c.Digest)}, c.Archive, c.Name)
}
