package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"bkt/internal/engine/contract"
	"bkt/internal/ocilayout"
	"bkt/internal/registry"

	"github.com/opencontainers/go-digest"
)

type pushCmd struct {
	DryRun bool     `help:"Only check whether an image can be pushed under each NAME."`
	Layout string   `placeholder:"DIR" help:"The OCI layout with the image."`
	Digest string   `placeholder:"DIGEST" help:"The image of the layout. It is an error if the layout no longer holds it."`
	Names  []string `arg:"" name:"name" help:"As in quay.io/someone/image:latest."`
}

// Run pushes an image of a layout under each name, and prints the resulting state of
// the registries, as JSON. Progress goes to standard error.
func (c *pushCmd) Run(ctx context.Context, stdout io.Writer) error {
	errs := []error{registry.CanPush()}
	for _, name := range c.Names {
		errs = append(errs, registry.CheckName(name))
	}
	if err := errors.Join(errs...); err != nil || c.DryRun {
		return err
	}
	l := ocilayout.Image{Dir: c.Layout, Digest: digest.Digest(c.Digest)}
	if err := l.Digest.Validate(); err != nil {
		return fmt.Errorf("--digest %q: %w", c.Digest, err)
	}
	var all []contract.Pushed
	for _, name := range c.Names {
		there, err := registry.Push(ctx, l, name, os.Stderr)
		if err != nil {
			return err
		}
		all = append(all, contract.Pushed{Name: name, Digest: there.String()})
	}
	return json.NewEncoder(stdout).Encode(all)
}

type credentialsCmd struct {
	Host string `arg:"" help:"The registry's host."`
}

// Run prints the credentials, as JSON.
func (c *credentialsCmd) Run(ctx context.Context, stdout io.Writer) error {
	user, secret, err := registry.Credentials(ctx, c.Host)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(contract.Credentials{User: user, Secret: secret})
}

type inspectCmd struct {
	Pin  bool   `help:"Verify that the registry has the image under its digest, too."`
	Name string `arg:"" help:"As in quay.io/someone/image:latest."`
}

// Run prints the image that a registry has under a name, as JSON.
func (c *inspectCmd) Run(ctx context.Context, stdout io.Writer) error {
	ask := registry.Inspect
	if c.Pin {
		ask = registry.Pin
	}
	found, err := ask(ctx, c.Name)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(found)
}

type allowCmd struct {
	Names []string `arg:"" name:"name" help:"As in quay.io/someone/image:latest."`
}

// Run prints the images that the policy on signatures allows, as JSON, if it allows
// all of them.
func (c *allowCmd) Run(ctx context.Context, stdout io.Writer) error {
	allowed, err := registry.Allow(ctx, c.Names...)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(allowed)
}
