package buildkit

import (
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
	Running     bool
	PID         int
	Since       time.Time
	Version     string
	Root        string
	Socket      string
	Size        int64 // bytes of cache; known only if it runs
	Reclaimable int64 // bytes of that which no build uses at the moment
}

// Status returns how the own engine of cfg is doing. It does not start it.
func Status(ctx context.Context, cfg Config) (Engine, error) {
	quiet()
	e := Engine{Root: cfg.Root, Socket: cfg.Socket}
	running, err := contract.Held(cfg.Root)
	if err != nil || !running {
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
		if _, mute := errors.AsType[noAnswer](err); !mute {
			err = fmt.Errorf("the engine (pid %d) does not answer: %w", state.PID, err)
		}
		return e, err
	}
	defer c.Close()
	usage, err := c.DiskUsage(ctx)
	if err != nil {
		return e, errors.New(plain(err))
	}
	for _, u := range usage {
		e.Size += u.Size
		if !u.InUse {
			e.Reclaimable += u.Size
		}
	}
	return e, nil
}

// Prune removes from the engine of cfg what no build uses at the moment, and
// with all also what it keeps for itself. It returns how many bytes that freed.
// The engine is started if need be.
func Prune(ctx context.Context, cfg Config, all bool) (int64, error) {
	c, err := connect(ctx, cfg, func(string) {})
	if err != nil {
		return 0, err
	}
	defer c.Close()
	var options []client.PruneOption
	if all {
		options = append(options, client.PruneAll)
	}
	removed := make(chan client.UsageInfo)
	total := make(chan int64)
	go func() {
		var sum int64
		for u := range removed {
			sum += u.Size
		}
		total <- sum
	}()
	err = c.Prune(ctx, removed, options...)
	close(removed)
	freed := <-total
	if err != nil {
		return freed, errors.New(plain(err))
	}
	return freed, nil
}

// Stop ends the own engine of cfg, and with it the builds that it is busy with.
// It says whether there was one to end.
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
	case inner >= 0 && ended(ctx, inner, cfg.patience.toStart()): // the outer one was killed
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
