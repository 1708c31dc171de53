package engineclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"bkt/internal/engine/contract"
	"bkt/internal/hint"

	control "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"
	"golang.org/x/sys/unix"
)

// dialOwn connects to the engine that holds the lock of the root, at the socket
// in its state file. If the engine does not answer, the error is a
// [timeoutError].
func dialOwn(ctx context.Context, cfg Config) (*client.Client, contract.State, error) {
	if cfg.Root == "" {
		return nil, contract.State{}, cfg.NoProgram()
	}
	running, err := contract.Held(cfg.Root)
	if err == nil && !running {
		err = errors.New("the engine is not running")
	}
	if err != nil {
		return nil, contract.State{}, err
	}
	state, err := contract.ReadState(cfg.Root)
	if err != nil {
		return nil, state, err
	}
	within, cancel := context.WithTimeout(ctx, cfg.timeouts.startTimeout())
	defer cancel()
	c, err := dial(within, "unix://"+state.Socket, client.WithContextDialer(dialer(state)))
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("the engine (pid %d) does not answer: %w", state.PID, timeoutError(cfg.timeouts.startTimeout()))
		err = hint.Add(err, "run \"bkt engine stop\"")
	}
	return c, state, err
}

// dialer returns a function that connects to the engine of state, and to no other
// program that listens at its socket.
func dialer(state contract.State) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, _ string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, "unix", state.Socket)
		if err != nil {
			return nil, err
		}
		if err := checkPeer(c.(*net.UnixConn), state); err != nil {
			c.Close()
			return nil, err
		}
		return c, nil
	}
}

// checkPeer returns an error unless the process at the other end is the engine of
// state, and this user's.
func checkPeer(c *net.UnixConn, state contract.State) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var peer *unix.Ucred
	errControl := raw.Control(func(fd uintptr) {
		peer, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(errControl, err); err != nil {
		return fmt.Errorf("%s: %w", state.Socket, err)
	}
	if int(peer.Uid) != os.Geteuid() {
		return fmt.Errorf("%s: user %d listens there, not user %d", state.Socket, peer.Uid, os.Geteuid())
	}
	// The number is 0 for a process of another pid namespace.
	if peer.Pid != 0 && int(peer.Pid) != state.PID {
		return fmt.Errorf("%s: process %d listens there, not the engine, process %d", state.Socket, peer.Pid, state.PID)
	}
	return nil
}

// isOther reports whether the engine of state has another version than cfg
// wants. It is false if one of the two is unknown.
func isOther(cfg Config, state contract.State) bool {
	return cfg.Version != "" && state.Version != "" && cfg.Version != state.Version
}

// stopOutdated stops an engine of another version of bkt. A busy engine is left
// alone, which is an error.
func stopOutdated(ctx context.Context, cfg Config) error {
	c, state, err := dialOwn(ctx, cfg)
	if err != nil {
		return nil // it does not run, or cannot be asked
	}
	defer c.Close()
	if !isOther(cfg, state) {
		return nil
	}
	busy, err := isBusy(ctx, c)
	if err != nil {
		return err
	}
	if busy {
		err := fmt.Errorf("the engine is busy, and has another version of bkt: %s, not %s", state.Version, cfg.Version)
		return hint.Add(err, "wait until its build ends, or run \"bkt engine stop\"")
	}
	c.Close()
	_, err = Stop(ctx, cfg)
	return err
}

// isBusy reports whether an engine is building.
func isBusy(ctx context.Context, c *client.Client) (bool, error) {
	builds, err := c.ControlClient().ListenBuildHistory(ctx, &control.BuildHistoryRequest{ActiveOnly: true, EarlyExit: true})
	if err == nil {
		_, err = builds.Recv()
	}
	if !errors.Is(err, io.EOF) {
		return err == nil, err
	}
	// A build that uses the copy of a home is not in the history.
	copies, err := c.DiskUsage(ctx, client.WithFilter([]string{contract.CopyFilter + ",inuse"}))
	return len(copies) > 0, err
}
