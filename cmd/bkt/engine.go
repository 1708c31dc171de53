package main

import (
	"context"
	"fmt"
	"time"

	"bkt/internal/engineclient"
	"bkt/internal/pipeline"

	"github.com/docker/go-units"
)

type engineCmd struct {
	Status engineStatusCmd `cmd:"" help:"Show whether the engine runs, where, since when, and what it takes on disk."`
	Stop   engineStopCmd   `cmd:"" help:"Stop the engine, and the builds that it is busy with."`
	Prune  enginePruneCmd  `cmd:"" help:"Delete the build cache."`
}

type engineStatusCmd struct{}

// Run prints how the engine is doing.
func (engineStatusCmd) Run(ctx context.Context, a *app) error {
	cfg, err := pipeline.OwnEngine()
	if err != nil {
		return err
	}
	e, err := engineclient.Status(ctx, cfg)
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

func asEngineJSON(e engineclient.Engine) engineJSON {
	j := engineJSON{
		Version: 1, Running: e.Running, Root: e.Root, Socket: e.Socket,
		Size: e.Disk.Size, Unreadable: e.Disk.Unreadable, InUse: e.Disk.InUse, Reclaimable: e.Disk.Reclaimable,
	}
	if e.Running {
		j.PID, j.Since, j.Engine = e.PID, &e.Since, e.Version
	}
	return j
}

func (a *app) printEngine(e engineclient.Engine) error {
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
func describeDisk(e engineclient.Engine) string {
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
	cfg, err := pipeline.OwnEngine()
	if err != nil {
		return err
	}
	if c.DryRun {
		return engineStatusCmd{}.Run(ctx, a)
	}
	stopped, err := engineclient.Stop(ctx, cfg)
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
	cfg, err := pipeline.Startable()
	if err != nil {
		return err
	}
	freed, left, err := engineclient.Prune(ctx, cfg, c.All)
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
