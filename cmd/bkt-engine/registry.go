package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"bkt/internal/engine/contract"
	"bkt/internal/image"
	"bkt/internal/registry"
)

type pushCmd struct {
	DryRun bool   `help:"Only say whether the image can be pushed under NAME."`
	Name   string `arg:"" help:"As in quay.io/someone/image:latest."`
	Dir    string `arg:"" optional:"" help:"The OCI layout that the image is in."`
}

// Run pushes the only image of a layout. Progress goes to standard error.
func (c *pushCmd) Run() error {
	if err := errors.Join(registry.CanPush(), registry.CheckName(c.Name)); err != nil || c.DryRun {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return registry.Push(ctx, image.Layout{Dir: c.Dir}, c.Name, os.Stderr)
}

type credentialsCmd struct {
	Host string `arg:"" help:"The registry's host."`
}

// Run prints what to log in with, as JSON.
func (c *credentialsCmd) Run(stdout io.Writer) error {
	user, secret, err := registry.Credentials(c.Host)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(contract.Credentials{User: user, Secret: secret})
}

type inspectCmd struct {
	Name string `arg:"" help:"As in quay.io/someone/image:latest."`
}

// Run prints what a registry has under a name, as JSON.
func (c *inspectCmd) Run(stdout io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	found, err := registry.Inspect(ctx, c.Name)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(found)
}

type allowCmd struct {
	Names []string `arg:"" name:"name" help:"As in quay.io/someone/image:latest."`
}

// Run prints which images the policy on signatures allows, as JSON, if it
// allows all.
func (c *allowCmd) Run(stdout io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	allowed, err := registry.Allow(ctx, c.Names...)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(allowed)
}
