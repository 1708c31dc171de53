package main

import (
	"context"

	"bkt/internal/host"
	"bkt/internal/manual"
	"bkt/internal/ui"
	"bkt/internal/usage"
	"bkt/internal/version"
)

type helpCmd struct {
	Command []string `arg:"" optional:"" name:"command" help:"A command, e.g. toolbox add (default: list all)."`
}

// Run prints what --help prints.
func (c *helpCmd) Run(ctx context.Context, a *app) error {
	_, _, err := a.parse(ctx, append(c.Command, "--help"))
	return usage.Explain(err)
}

type versionCmd struct{}

// Run prints what --version prints.
func (versionCmd) Run(a *app) error { return a.printVersion() }

// manPagesCmd writes the manual, for packages.
type manPagesCmd struct {
	ui.Mode
	Dir string `arg:"" help:"Folder for the man pages."`
}

// Run writes a page for the program and for each of its commands.
func (c *manPagesCmd) Run(ctx context.Context, a *app) error {
	parser, _, err := a.parser(ctx, commands()...)
	if err != nil {
		return err
	}
	p, err := manual.Plan(parser.Model, version.String(), c.Dir)
	if err != nil {
		return err
	}
	return a.Finish(ctx, host.Executor{}, p, c.Mode)
}
