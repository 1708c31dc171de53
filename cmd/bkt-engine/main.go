// Command bkt-engine is the part of bkt that builds images and copies them to
// registries. The libraries for both are large, and bkt itself, which runs at
// every commit, starts faster without them.
//
// bkt starts the engine for a build; the engine stops by itself some time after
// the last one. This package has the command line, package engine the engine.
package main

import (
	"context"
	"io"
	"os"
	"syscall"
	"time"

	"bkt/internal/crash"
	"bkt/internal/engine"
	"bkt/internal/engine/contract"
	"bkt/internal/interrupt"
	"bkt/internal/version"

	"github.com/alecthomas/kong"
	"github.com/docker/go-units"
)

type cli struct {
	Version     versionFlag    `help:"Print the version."`
	JSON        bool           `name:"json" help:"Print the version as JSON. Commands do not change their output."`
	Serve       serveCmd       `cmd:"" help:"Serve BuildKit until it is idle for too long."`
	Check       checkCmd       `cmd:"" help:"Print what the engine needs on this machine, as JSON."`
	Push        pushCmd        `cmd:"" help:"Push an image to a registry."`
	Import      importCmd      `cmd:"" help:"Convert a docker archive to an OCI layout."`
	Export      exportCmd      `cmd:"" help:"Convert an OCI layout to a docker archive."`
	Inspect     inspectCmd     `cmd:"" help:"Print what a registry has under a name."`
	Allow       allowCmd       `cmd:"" help:"Print which images the policy on signatures allows."`
	Credentials credentialsCmd `cmd:"" help:"Print the user's credentials for a registry."`
}

// versionFlag prints the version. Unlike kong's, it returns an error if that fails.
type versionFlag bool

// BeforeReset implements kong's hook for flags that end the program. kong has not yet
// set the value of --json.
func (versionFlag) BeforeReset(parsed *kong.Context) error {
	asJSON := false
	for _, flag := range parsed.Flags() {
		if flag.Name == "json" {
			asJSON, _ = parsed.FlagValue(flag).(bool)
		}
	}
	if err := version.Print(parsed.Stdout, "bkt-engine", asJSON); err != nil {
		return err
	}
	parsed.Exit(0)
	return nil
}

type serveCmd struct {
	Root        string        `required:"" placeholder:"DIR" help:"Store the cache and all other files in DIR."`
	Socket      string        `required:"" placeholder:"PATH" help:"Serve the unix socket at PATH."`
	Idle        time.Duration `default:"10m" placeholder:"TIME" help:"Stop after TIME without a client (10m)."`
	KeepBytes   size          `default:"20GB" placeholder:"SIZE" help:"Delete from the cache when it takes more than SIZE on disk (20GB)."`
	Snapshotter string        `default:"auto" enum:"auto,overlayfs,native" placeholder:"NAME" help:"Create layers with NAME: overlayfs, native, which copies, or auto, the first that works (auto). The layers of the other are deleted."`
	ReadyFD     int           `name:"ready-fd" hidden:"" help:"Write one line to this file descriptor: ready, or an error as JSON."`
	Debug       bool          `help:"Log all messages of BuildKit."`
}

// Run runs the engine.
func (c serveCmd) Run() error { return engine.Run(c.config(), c.ready()) }

// size is a number of bytes, written with a unit or without.
type size int64

func (s *size) UnmarshalText(text []byte) error {
	n, err := units.FromHumanSize(string(text))
	*s = size(n)
	return err
}

func main() {
	if engine.IsInner(os.Args) {
		os.Exit(engine.RunInner())
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run runs the command line and returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	return report(stderr, execute(args, stdout, stderr))
}

// execute runs the command in args. A panic is an error, too.
func execute(args []string, stdout, stderr io.Writer) (err error) {
	defer crash.Recover(&err)
	var c cli
	parser, err := kong.New(&c,
		kong.Name("bkt-engine"),
		kong.Description("The part of bkt that builds images and copies them to registries."),
		kong.Writers(stdout, stderr),
		kong.BindTo(stdout, (*io.Writer)(nil)),
	)
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if err != nil {
		return err
	}
	if command.Command() == "serve" {
		return command.Run() // the engine has its own end
	}
	ctx, stop := interrupt.Notify(func() { os.Exit(report(stderr, context.Canceled)) })
	defer stop()
	command.BindTo(ctx, (*context.Context)(nil))
	return command.Run()
}

// report prints err, or each of joined errors, as bkt does, and returns the exit
// status.
func report(stderr io.Writer, err error) int {
	contract.WriteErrors(stderr, err)
	return engine.Status(err)
}

func (c serveCmd) config() engine.Config {
	return engine.Config{
		Root:      c.Root,
		Socket:    c.Socket,
		Idle:      c.Idle,
		KeepBytes: int64(c.KeepBytes),
		Version:   version.String(),
		Path:      os.Getenv("PATH"),
		Debug:     c.Debug,

		Snapshotter: c.Snapshotter,
	}
}

// ready returns the file to report to, or nil.
func (c serveCmd) ready() *os.File {
	if c.ReadyFD == 0 {
		return nil
	}
	syscall.CloseOnExec(c.ReadyFD)
	return os.NewFile(uintptr(c.ReadyFD), "ready")
}
