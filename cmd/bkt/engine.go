package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"bkt/internal/buildkit"
	"bkt/internal/engine/contract"
	"bkt/internal/host"
	"bkt/internal/owner"
	"bkt/internal/version"
	"bkt/internal/workspace"

	"github.com/docker/go-units"
	"golang.org/x/sys/unix"
)

type engineCmd struct {
	Status engineStatusCmd `cmd:"" help:"Show whether the engine runs, where, since when, and what it takes on disk."`
	Stop   engineStopCmd   `cmd:"" help:"Stop the engine, and the builds that it is busy with."`
	Prune  enginePruneCmd  `cmd:"" help:"Delete the build cache."`
}

// ownEngine returns where bkt's own engine is, without looking for its program.
func ownEngine() (buildkit.Config, error) {
	root, socket, err := buildkit.Defaults(ownEnv, os.Geteuid())
	return buildkit.Config{Root: root, Socket: socket, Version: version.String()}, err
}

// ownEnv is the environment without the folders of another user, which su and sudo
// may leave in it: the engine of one user is not for another.
func ownEnv(name string) string {
	value := os.Getenv(name)
	switch uid, known := ownerOf(value); {
	case name == "XDG_RUNTIME_DIR" && known && uid != os.Geteuid():
		return ""
	case name == "XDG_DATA_HOME" && workspace.CheckDesktop() != nil && !isRoots(value):
		return ""
	}
	return value
}

func ownerOf(path string) (uid int, known bool) {
	var stat unix.Stat_t
	err := unix.Stat(path, &stat)
	return int(stat.Uid), err == nil
}

// isRoots reports whether a folder is root's, or would be if it were made.
func isRoots(path string) bool {
	uid, err := owner.Of(path)
	return err == nil && uid == 0
}

// startable returns the own engine with the program to start it with.
func startable() (buildkit.Config, error) {
	cfg, err := ownEngine()
	if err != nil {
		return cfg, err
	}
	executable, err := os.Executable()
	if err != nil {
		return cfg, err
	}
	cfg.Program, err = buildkit.FindEngine(executable)
	return cfg, err
}

// engine runs a command of bkt-engine and returns its output. What it says of
// errors the user has seen by then, unless its progress was not wanted.
func (a *app) engine(ctx context.Context, args ...string) ([]byte, error) {
	cfg, err := startable()
	if err != nil {
		return nil, err
	}
	argv := append([]string{cfg.Program}, args...)
	if a.Quiet {
		return answer(ctx, argv...)
	}
	out, err := host.OutputLogged(ctx, a.Log(), argv...)
	if _, ok := errors.AsType[*host.ExitError](err); ok {
		return nil, exited(1)
	}
	return out, err
}

// credentials returns what asks the program bkt-engine for the user's passwords.
func credentials(program string) func(context.Context, string) (user, secret string, err error) {
	if program == "" {
		return nil
	}
	return func(ctx context.Context, registry string) (string, string, error) {
		var c contract.Credentials
		err := ask(ctx, &c, program, "credentials", registry)
		return c.User, c.Secret, err
	}
}

type engineStatusCmd struct{}

// Run prints how the engine is doing.
func (engineStatusCmd) Run(ctx context.Context, a *app) error {
	cfg, err := ownEngine()
	if err != nil {
		return err
	}
	e, err := buildkit.Status(ctx, cfg)
	if err != nil {
		return err
	}
	if a.JSON {
		return a.PrintJSON(asEngineJSON(e))
	}
	return a.printEngine(e)
}

// engineJSON is the output of engine status --json.
type engineJSON struct {
	Version     int        `json:"version"`
	Running     bool       `json:"running"`
	PID         int        `json:"pid,omitempty"`
	Since       *time.Time `json:"since,omitempty"`
	Engine      string     `json:"engine,omitempty"` // its version
	Root        string     `json:"root"`
	Socket      string     `json:"socket"`
	Size        int64      `json:"size,omitempty"`        // bytes on disk
	Unreadable  int        `json:"unreadable,omitempty"`  // folders that size lacks the content of
	InUse       int64      `json:"inUse,omitempty"`       // bytes; only of an engine that runs
	Reclaimable int64      `json:"reclaimable,omitempty"` // bytes; only of an engine that runs
}

func asEngineJSON(e buildkit.Engine) engineJSON {
	j := engineJSON{
		Version: 1, Running: e.Running, Root: e.Root, Socket: e.Socket,
		Size: e.Disk.Size, Unreadable: e.Disk.Unreadable, InUse: e.Disk.InUse, Reclaimable: e.Disk.Reclaimable,
	}
	if e.Running {
		j.PID, j.Since, j.Engine = e.PID, &e.Since, e.Version
	}
	return j
}

func (a *app) printEngine(e buildkit.Engine) error {
	lines := [][2]string{{"state", "not running"}, {"root", e.Root}, {"socket", e.Socket}}
	if e.Running {
		lines[0][1] = fmt.Sprintf("running as process %d since %s", e.PID, e.Since.Local().Format(time.DateTime))
		lines = append(lines, [2]string{"version", e.Version})
	}
	lines = append(lines, [2]string{"cache", describeDisk(e)})
	for _, l := range lines {
		if _, err := fmt.Fprintf(a.Out, "%-8s %s\n", l[0], l[1]); err != nil {
			return err
		}
	}
	return nil
}

// describeDisk says what the engine takes on disk.
func describeDisk(e buildkit.Engine) string {
	text := size(e.Disk.Size) + " on disk"
	if e.Disk.Unreadable > 0 {
		text = fmt.Sprintf("at least %s (%d folders cannot be read)", text, e.Disk.Unreadable)
	}
	if e.Disk.ByEngine {
		text += fmt.Sprintf(", of which %s can be deleted", size(e.Disk.Reclaimable))
	}
	return text
}

func size(bytes int64) string { return units.HumanSize(float64(bytes)) }

type engineStopCmd struct {
	DryRun bool `short:"n" help:"Show whether there is an engine to stop, and leave it alone."`
}

// Run stops the engine.
func (c *engineStopCmd) Run(ctx context.Context, a *app) error {
	cfg, err := ownEngine()
	if err != nil {
		return err
	}
	if c.DryRun {
		return engineStatusCmd{}.Run(ctx, a)
	}
	stopped, err := buildkit.Stop(ctx, cfg)
	if err != nil {
		return err
	}
	if a.JSON {
		return a.PrintJSON(struct {
			Version int  `json:"version"`
			Stopped bool `json:"stopped"`
		}{1, stopped})
	}
	if !stopped {
		return a.result("the engine was not running")
	}
	return a.result("stopped")
}

type enginePruneCmd struct {
	All    bool `help:"Delete also what BuildKit keeps for itself."`
	DryRun bool `short:"n" help:"Show how much can be deleted, and delete nothing."`
}

// Run deletes the engine's cache.
func (c *enginePruneCmd) Run(ctx context.Context, a *app) error {
	if c.DryRun {
		return engineStatusCmd{}.Run(ctx, a)
	}
	cfg, err := startable()
	if err != nil {
		return err
	}
	freed, left, err := buildkit.Prune(ctx, cfg, c.All)
	switch {
	case err != nil && freed > 0:
		return fmt.Errorf("%w (freed %s)", err, size(freed))
	case err != nil:
		return err
	case a.JSON:
		return a.PrintJSON(struct {
			Version int   `json:"version"`
			Freed   int64 `json:"freed"`
			InUse   int64 `json:"inUse,omitempty"`
		}{1, freed, left.InUse})
	}
	if left.InUse > 0 {
		return a.result(fmt.Sprintf("freed %s; builds use %s more", size(freed), size(left.InUse)))
	}
	return a.result("freed " + size(freed))
}

// result prints a line that says what came of a command.
func (a *app) result(text string) error {
	if a.Quiet {
		return nil
	}
	_, err := fmt.Fprintln(a.Out, text)
	return err
}
