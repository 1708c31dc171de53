package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"bkt/internal/engineclient"
	"bkt/internal/pipeline"

	"github.com/docker/go-units"
)

type engineCmd struct {
	Status engineStatusCmd `cmd:"" help:"Show whether the engine runs, where, since when, and its size on disk."`
	Stop   engineStopCmd   `cmd:"" help:"Stop the engine and its running builds."`
	Prune  enginePruneCmd  `cmd:"" help:"Delete the build cache."`
}

type engineStatusCmd struct{}

// Run prints the status of the engine.
func (engineStatusCmd) Run(ctx context.Context, a *app) error {
	cfg, err := pipeline.OwnEngine()
	if err != nil {
		return err
	}
	e, err := engineclient.Status(ctx, cfg)
	if err != nil {
		return err
	}
	return a.PrintResult(asEngineJSON(e), describeEngine(e))
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
	Unreadable  int        `json:"unreadable,omitempty"`  // folders whose content is not in size
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

// describeEngine says where the engine is, and since when it runs.
func describeEngine(e engineclient.Engine) string {
	lines := [][2]string{{"state", "not running"}, {"root", e.Root}, {"socket", e.Socket}}
	if e.Running {
		lines[0][1] = fmt.Sprintf("running as process %d since %s", e.PID, e.Since.Local().Format(time.DateTime))
		lines = append(lines, [2]string{"version", e.Version})
	}
	lines = append(lines, [2]string{"cache", describeDisk(e)})
	var out strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&out, "%-8s %s\n", l[0], l[1])
	}
	return out.String()
}

// describeDisk says how large the engine's data is.
func describeDisk(e engineclient.Engine) string {
	text := size(e.Disk.Size) + " on disk"
	if e.Disk.Unreadable > 0 {
		text = fmt.Sprintf("at least %s (%d folders cannot be read)", text, e.Disk.Unreadable)
	}
	if e.Disk.ByEngine {
		text += fmt.Sprintf(", %s of it can be deleted", size(e.Disk.Reclaimable))
	}
	return text
}

func size(bytes int64) string { return units.HumanSize(float64(bytes)) }

type engineStopCmd struct {
	DryRun bool `short:"n" help:"Show whether the engine runs, without stopping it."`
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
	text := "stopped"
	if !stopped {
		text = "the engine was not running"
	}
	return a.printDone(stoppedJSON{1, stopped}, text)
}

// stoppedJSON is the output of engine stop --json.
type stoppedJSON struct {
	Version int  `json:"version"`
	Stopped bool `json:"stopped"` // it was running
}

type enginePruneCmd struct {
	All    bool `help:"Also delete the records that BuildKit keeps for internal use."`
	DryRun bool `short:"n" help:"Show how much can be deleted, without deleting it."`
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
	}
	text := "freed " + size(freed)
	if left.InUse > 0 {
		text += fmt.Sprintf("; builds use %s more", size(left.InUse))
	}
	return a.printDone(prunedJSON{1, freed, left.InUse}, text)
}

// prunedJSON is the output of engine prune --json.
type prunedJSON struct {
	Version int   `json:"version"`
	Freed   int64 `json:"freed"`           // bytes
	InUse   int64 `json:"inUse,omitempty"` // bytes that builds use
}

// printDone prints v with --json, or else a line that says what was done.
func (a *app) printDone(v any, line string) error {
	if a.Quiet && !a.JSON {
		return nil
	}
	return a.PrintResult(v, line+"\n")
}
