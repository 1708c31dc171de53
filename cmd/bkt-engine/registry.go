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
	DryRun bool     `help:"Only say whether an image can be pushed under each NAME."`
	Layout string   `placeholder:"DIR" help:"The OCI layout that the image is in."`
	Names  []string `arg:"" name:"name" help:"As in quay.io/someone/image:latest."`
}

// Run pushes the only image of a layout under each name. Progress goes to
// standard error.
func (c *pushCmd) Run() error {
	errs := []error{registry.CanPush()}
	for _, name := range c.Names {
		errs = append(errs, registry.CheckName(name))
	}
	if err := errors.Join(errs...); err != nil || c.DryRun {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	for _, name := range c.Names {
		if err := registry.Push(ctx, image.Layout{Dir: c.Layout}, name, os.Stderr); err != nil {
			return err
		}
	}
	return nil
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
