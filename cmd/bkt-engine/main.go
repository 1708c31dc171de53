// Command bkt-engine is what bkt runs for images: the BuildKit that it builds
// with, and what copies images to registries. Both are large, and bkt itself,
// which runs at every commit, starts faster without them.
//
// bkt starts the BuildKit when there is something to build; it ends by itself
// some time after the last build. This package holds the command line. What an
// engine is, package engine says.
package main

import (
	"io"
	"os"
	"syscall"
	"time"

	"bkt/internal/crash"
	"bkt/internal/engine"
	"bkt/internal/engine/contract"
	"bkt/internal/version"

	"github.com/alecthomas/kong"
	"github.com/docker/go-units"
)

type cli struct {
	Version     kong.VersionFlag `help:"Print the version."`
	Serve       serveCmd         `cmd:"" help:"Serve BuildKit until nobody needs it."`
	Check       checkCmd         `cmd:"" help:"Print what the engine needs of this machine, as JSON."`
	Push        pushCmd          `cmd:"" help:"Push an image to a registry."`
	Import      importCmd        `cmd:"" help:"Make an OCI layout of a docker archive."`
	Export      exportCmd        `cmd:"" help:"Make a docker archive of an OCI layout."`
	Inspect     inspectCmd       `cmd:"" help:"Print what a registry has under a name."`
	Allow       allowCmd         `cmd:"" help:"Print which images the policy on signatures allows."`
	Credentials credentialsCmd   `cmd:"" help:"Print what the user logs in to a registry with."`
}

type serveCmd struct {
	Root        string        `required:"" placeholder:"DIR" help:"Keep the cache and all else in DIR."`
	Socket      string        `required:"" placeholder:"PATH" help:"Serve the unix socket at PATH."`
	Idle        time.Duration `default:"10m" placeholder:"TIME" help:"End after TIME without a client (10m)."`
	KeepBytes   size          `default:"20GB" placeholder:"SIZE" help:"Clean the cache up when it takes more than SIZE on disk (20GB)."`
	Snapshotter string        `default:"auto" enum:"auto,overlayfs,native" placeholder:"NAME" help:"Make layers with NAME: overlayfs, native, which copies, or auto, the first that works (auto). The layers of the other are deleted."`
	ReadyFD     int           `name:"ready-fd" hidden:"" help:"Write one line to this file descriptor: ready, or an error as JSON."`
	Debug       bool          `help:"Log all that BuildKit does."`
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

// run is main with its surroundings given. It returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	return report(stderr, execute(args, stdout, stderr))
}

// execute runs the command that args name. A mistake in the program is an error,
// too.
func execute(args []string, stdout, stderr io.Writer) (err error) {
	defer crash.Recover(&err)
	var c cli
	parser, err := kong.New(&c,
		kong.Name("bkt-engine"),
		kong.Description("What bkt runs for images: BuildKit, and what speaks to registries."),
		kong.Writers(stdout, stderr),
		kong.Vars{"version": version.String()},
		kong.BindTo(stdout, (*io.Writer)(nil)),
	)
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if err != nil {
		return err
	}
	return command.Run()
}

// report prints err in bkt's name, as whose part the program is run, and each
// of joined ones by itself. It returns the exit status.
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
