// Command bkt-engine is the BuildKit that bkt builds with. bkt starts it when
// there is something to build; it ends by itself some time after the last build.
//
// This package holds the command line. What an engine is, package engine says.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"bkt/internal/engine"
	"bkt/internal/hint"

	"github.com/alecthomas/kong"
	"github.com/docker/go-units"
)

type cli struct {
	Root      string           `required:"" placeholder:"DIR" help:"Keep the cache and all else in DIR."`
	Socket    string           `required:"" placeholder:"PATH" help:"Serve the unix socket at PATH."`
	Idle      time.Duration    `default:"10m" placeholder:"TIME" help:"End after TIME without a client (10m)."`
	KeepBytes size             `default:"20GB" placeholder:"SIZE" help:"Clean the cache up when it is larger than SIZE (20GB)."`
	ReadyFD   int              `name:"ready-fd" hidden:"" help:"Write one line to this file descriptor: ready, or an error as JSON."`
	Debug     bool             `help:"Log all that BuildKit does."`
	Version   kong.VersionFlag `help:"Print the version."`
}

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
	var c cli
	parser, err := kong.New(&c,
		kong.Name("bkt-engine"),
		kong.Description("The BuildKit that bkt builds with."),
		kong.Writers(stdout, stderr),
		kong.Vars{"version": version()},
	)
	if err == nil {
		_, err = parser.Parse(args)
	}
	if err == nil {
		err = engine.Run(c.config(), c.ready())
	}
	if err != nil {
		fmt.Fprintln(stderr, "bkt-engine: error:", err)
	}
	for _, h := range hint.Of(err) {
		fmt.Fprintln(stderr, "bkt-engine: hint:", h)
	}
	return engine.Status(err)
}

func (c cli) config() engine.Config {
	return engine.Config{
		Root:      c.Root,
		Socket:    c.Socket,
		Idle:      c.Idle,
		KeepBytes: int64(c.KeepBytes),
		Version:   version(),
		Path:      os.Getenv("PATH"),
		Debug:     c.Debug,
	}
}

// ready returns the file to report to, or nil.
func (c cli) ready() *os.File {
	if c.ReadyFD == 0 {
		return nil
	}
	syscall.CloseOnExec(c.ReadyFD)
	return os.NewFile(uintptr(c.ReadyFD), "ready")
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
