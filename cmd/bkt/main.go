// Command bkt keeps an image-based Linux workstation and a git repository of
// manifests in step.
//
// This package holds the command line: flags, printing and exit statuses. What
// a command does is in the packages that it calls.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"bkt/internal/hint"

	"github.com/alecthomas/kong"
)

// cli is the command line; each command has a Run method.
type cli struct {
	Dir     string           `short:"C" name:"directory" placeholder:"DIR" help:"Run as if started in DIR."`
	JSON    bool             `name:"json" help:"Print results as JSON."`
	Quiet   bool             `short:"q" xor:"verbosity" help:"Print results and errors only."`
	Verbose bool             `short:"v" xor:"verbosity" help:"Print more of what is done."`
	Color   string           `enum:"auto,always,never" default:"auto" placeholder:"WHEN" help:"Colour: auto, always or never (auto)."`
	Version kong.VersionFlag `help:"Print the version."`

	Containerfile containerfileCmd `cmd:"" help:"Render the managed sections of Containerfiles."`
	Build         buildCmd         `cmd:"" help:"Build images with BuildKit."`
	Engine        engineCmd        `cmd:"" help:"Look after bkt's own BuildKit engine."`
}

func main() {
	sparseGC()
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// sparseGC has no garbage collected below some 16 MB. A hook that runs at every
// commit is done before that, and collecting would be a good part of its work.
func sparseGC() { debug.SetGCPercent(400) }

// run is main with its surroundings given. It returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := &app{out: stdout, err: stderr}
	err := a.run(ctx, args)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	return a.report(err)
}

// exited is what kong's wish to end the program is turned into.
type exited int

func (e exited) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func (a *app) run(ctx context.Context, args []string) (err error) {
	defer func() {
		if code, ok := recover().(exited); ok {
			err = code
		} else if r := recover(); r != nil {
			panic(r)
		}
	}()
	var c cli
	parser, err := kong.New(&c,
		kong.Name("bkt"),
		kong.Description("Keep an image-based Linux workstation and a git repository of manifests in step."),
		kong.UsageOnError(),
		kong.Writers(a.out, a.err),
		kong.Vars{"version": version()},
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if err != nil {
		return hint.Add(err, "run \"bkt --help\" for the commands and flags")
	}
	a.configure(c)
	if c.Dir != "" {
		if err := os.Chdir(c.Dir); err != nil {
			return plainPathError(err)
		}
	}
	return command.Run(a)
}

// version returns the version that the build was given or that Go has stamped
// into the program.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "devel"
}

// release is set by the linker: -X main.release=v1.2.3.
var release string
