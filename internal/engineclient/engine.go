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

// An Engine says how bkt's own engine is doing.
type Engine struct {
	Running bool
	PID     int
	Since   time.Time
	Version string
	Root    string
	Socket  string
	Disk    Disk
}

// Disk is what an engine takes on disk, as measured.
type Disk struct {
	Size       int64 // bytes
	Unreadable int   // folders that cannot be read: Size lacks their content

	ByEngine    bool  // the engine has measured it, and what follows
	InUse       int64 // bytes of the cache that builds use at the moment
	Reclaimable int64 // bytes that a prune frees
}

// Status returns how the own engine of cfg is doing. It does not start it.
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
		if _, mute := errors.AsType[timeoutError](err); !mute {
			err = fmt.Errorf("the engine (pid %d) does not answer: %w", state.PID, err)
		}
		return e, err
	}
	defer c.Close()
	e.Disk, err = diskOf(ctx, c, cfg.Root)
	return e, err
}

// measure returns what root takes on disk.
func measure(root string) (Disk, error) {
	u, err := contract.Measure(root)
	return Disk{Size: u.Bytes, Unreadable: u.Unreadable}, err
}

// diskOf has the engine c measure what it takes on disk: it may read all files
// in root, which its user may not.
func diskOf(ctx context.Context, c *client.Client, root string) (Disk, error) {
	records, err := c.DiskUsage(ctx, client.WithFilter([]string{contract.DiskFilter}))
	if err != nil {
		return Disk{}, errors.New(Message(err))
	}
	if len(records) == 0 { // one of an earlier version
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

// Prune deletes from the cache of the engine of cfg what no build uses at the
// moment, and with all also what BuildKit keeps for itself. It returns how many
// bytes that has freed on disk, even if something cannot be deleted, which is an
// error, and what is left. The engine is started if need be.
func Prune(ctx context.Context, cfg Config, all bool) (freed int64, left Disk, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, maxPrune, fmt.Errorf("the engine has not deleted its cache within %v", maxPrune))
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
	// A build may have written more meanwhile than there was to delete.
	return max(0, before.Size-left.Size), left, cmp.Or(err, errLeft)
}

// maxPrune is how long an engine may take to delete its cache.
const maxPrune = 10 * time.Minute

// Stop stops the own engine of cfg, and with it the builds that it is busy with.
// It says whether there was one to stop.
func Stop(ctx context.Context, cfg Config) (stopped bool, err error) {
	state, err := contract.ReadState(cfg.Root)
	if err != nil {
		state = contract.State{}
	}
	// A process that is gone has no descriptor, and one that has its number now
	// is told from it by the lock, which is asked for afterwards.
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
	case inner >= 0 && ended(ctx, inner, cfg.timeouts.startTimeout()): // the outer one was killed
		return true, nil
	}
	return false, fmt.Errorf("%s: in use, but not by the engine that %s names", cfg.Root, contract.StateFile(cfg.Root))
}

// terminate asks the outer process to end, and after a while makes it.
func terminate(ctx context.Context, outer, inner int) error {
	const polite = 10 * time.Second
	if err := unix.PidfdSendSignal(outer, unix.SIGTERM, nil, 0); err != nil {
		return fmt.Errorf("stopping the engine: %w", err)
	}
	if ended(ctx, outer, polite) || ctx.Err() != nil {
		return ctx.Err()
	}
	if err := unix.PidfdSendSignal(outer, unix.SIGKILL, nil, 0); err != nil {
		return fmt.Errorf("killing the engine: %w", err)
	}
	if !ended(ctx, outer, polite) || inner >= 0 && !ended(ctx, inner, polite) {
		return errors.New("the engine has been killed, but does not end")
	}
	return nil
}

// ended waits for the process of pidfd to end, and says whether it has.
func ended(ctx context.Context, pidfd int, most time.Duration) bool {
	// Two descriptors are waited for: the process, and an end of a pipe that is
	// closed when ctx is done.
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return false
	}
	defer unix.Close(pipe[0])
	wake := sync.OnceFunc(func() { unix.Close(pipe[1]) })
	defer wake()
	defer context.AfterFunc(ctx, wake)()
	fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}, {Fd: int32(pipe[0]), Events: unix.POLLIN}}
	for end := time.Now().Add(most); ; {
		_, err := unix.Poll(fds, max(0, int(time.Until(end).Milliseconds())))
		if err != unix.EINTR {
			return err == nil && fds[0].Revents != 0
		}
	}
}
