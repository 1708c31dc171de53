package engineclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"bkt/internal/engine/contract"

	"github.com/moby/buildkit/client"
	"golang.org/x/sys/unix"
)

// An Engine is the state of bkt's own engine.
type Engine struct {
	Running bool
	PID     int
	Since   time.Time
	Version string
	Root    string
	Socket  string
	Disk    Disk
}

// Disk is the space that an engine takes on disk, as measured.
type Disk struct {
	Size       int64 // bytes
	Unreadable int   // folders that cannot be read: Size lacks their content

	ByEngine    bool  // the engine has measured Size and the fields below
	InUse       int64 // bytes of the cache that running builds use
	Reclaimable int64 // bytes that a prune frees
}

// Status returns the state of the own engine of cfg. It does not start the engine.
func Status(ctx context.Context, cfg Config) (Engine, error) {
	quiet()
	e := Engine{Root: cfg.Root, Socket: cfg.Socket}
	running, err := contract.Held(cfg.Root)
	if err != nil {
		return e, err
	}
	if !running {
		e.Disk, err = measure(cfg.Root)
		return e, err
	}
	state, err := contract.ReadState(cfg.Root)
	if err != nil {
		return e, err
	}
	e.Running, e.PID, e.Since = true, state.PID, state.Started
	e.Version, e.Socket = state.Version, state.Socket
	c, _, err := dialOwn(ctx, cfg)
	if err != nil {
		if _, timedOut := errors.AsType[timeoutError](err); !timedOut {
			err = fmt.Errorf("the engine (pid %d) does not answer: %w", state.PID, err)
		}
		return e, err
	}
	defer c.Close()
	e.Disk, err = diskOf(ctx, c, cfg.Root)
	return e, err
}

// measure returns the space that root takes on disk.
func measure(root string) (Disk, error) {
	u, err := contract.Measure(root)
	return Disk{Size: u.Bytes, Unreadable: u.Unreadable}, err
}

// diskOf asks the engine c for the space that it takes on disk. The engine can
// read all files in root, and its user cannot.
func diskOf(ctx context.Context, c *client.Client, root string) (Disk, error) {
	records, err := c.DiskUsage(ctx, client.WithFilter([]string{contract.DiskFilter}))
	if err != nil {
		return Disk{}, errors.New(Message(err))
	}
	if len(records) == 0 { // it has an earlier version
		return measure(root)
	}
	d := Disk{ByEngine: true}
	for _, r := range records {
		switch r.ID {
		case contract.DiskSize:
			d.Size = r.Size
		case contract.DiskUnreadable:
			d.Unreadable = int(r.Size)
		case contract.DiskInUse:
			d.InUse = r.Size
		case contract.DiskReclaimable:
			d.Reclaimable = r.Size
		}
	}
	return d, nil
}

// Prune deletes the unused part of the cache of the engine of cfg, and if all is true
// also BuildKit's internal records. It returns the number of bytes freed on disk, and
// the remaining size, even if something cannot be deleted, which is an error. It starts
// the engine if it does not run.
func Prune(ctx context.Context, cfg Config, all bool) (freed int64, left Disk, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, pruneTimeout, fmt.Errorf("the engine has not deleted its cache within %v", pruneTimeout))
	defer cancel()
	c, err := Connect(ctx, cfg, func(string) {})
	if err != nil {
		return 0, left, err
	}
	defer c.Close()
	before, err := diskOf(ctx, c.Client, cfg.Root)
	if err != nil {
		return 0, left, err
	}
	var options []client.PruneOption
	if all {
		options = append(options, client.PruneAll)
	}
	if err = c.Prune(ctx, nil, options...); err != nil {
		err = fmt.Errorf("deleting the build cache: %s", Message(err))
	}
	if ctx.Err() != nil {
		return 0, left, context.Cause(ctx)
	}
	left, errLeft := diskOf(ctx, c.Client, cfg.Root)
	// A build may have written more meanwhile than was deleted.
	return max(0, before.Size-left.Size), left, cmp.Or(err, errLeft)
}

// pruneTimeout is the time for an engine to delete its cache.
const pruneTimeout = 10 * time.Minute

// Stop stops the own engine of cfg and its builds. It reports whether an engine was
// running.
func Stop(ctx context.Context, cfg Config) (stopped bool, err error) {
	state, err := contract.ReadState(cfg.Root)
	if err != nil {
		state = contract.State{}
	}
	// A process that has ended has no descriptor. The lock, which is checked
	// afterwards, shows whether another process has its number now.
	outer, err := unix.PidfdOpen(state.PID, 0)
	if err != nil {
		outer = -1
	}
	defer unix.Close(outer)
	inner, err := unix.PidfdOpen(state.Inner, 0)
	if err != nil {
		inner = -1
	}
	defer unix.Close(inner)
	running, err := contract.Held(cfg.Root)
	if err != nil || !running {
		return false, err
	}
	switch {
	case outer >= 0:
		return true, terminate(ctx, outer, inner)
	case inner >= 0 && ended(ctx, inner, cfg.timeouts.startTimeout()): // the outer process was killed
		return true, nil
	}
	return false, fmt.Errorf("%s: in use, but not by the engine that %s names", cfg.Root, contract.StateFile(cfg.Root))
}

// terminate asks the outer process to end, and kills it after a grace period.
func terminate(ctx context.Context, outer, inner int) error {
	const gracePeriod = 10 * time.Second
	if err := unix.PidfdSendSignal(outer, unix.SIGTERM, nil, 0); err != nil {
		return fmt.Errorf("stopping the engine: %w", err)
	}
	if ended(ctx, outer, gracePeriod) || ctx.Err() != nil {
		return ctx.Err()
	}
	if err := unix.PidfdSendSignal(outer, unix.SIGKILL, nil, 0); err != nil {
		return fmt.Errorf("killing the engine: %w", err)
	}
	if !ended(ctx, outer, gracePeriod) || inner >= 0 && !ended(ctx, inner, gracePeriod) {
		return errors.New("the engine was killed but does not end")
	}
	return nil
}

// ended waits for the process of pidfd to end, and reports whether it has.
func ended(ctx context.Context, pidfd int, timeout time.Duration) bool {
	// poll(2) waits for two descriptors: the process, and an end of a pipe that is
	// closed when ctx ends.
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return false
	}
	defer unix.Close(pipe[0])
	wake := sync.OnceFunc(func() { unix.Close(pipe[1]) })
	defer wake()
	defer context.AfterFunc(ctx, wake)()
	fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}, {Fd: int32(pipe[0]), Events: unix.POLLIN}}
	for end := time.Now().Add(timeout); ; {
		_, err := unix.Poll(fds, max(0, int(time.Until(end).Milliseconds())))
		if err != unix.EINTR {
			return err == nil && fds[0].Revents != 0
		}
	}
}
