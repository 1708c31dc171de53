package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"bkt/internal/registry"
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
