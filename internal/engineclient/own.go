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

// dialOwn connects to the engine that has the lock of the root, where it says
// that it is. What answers at the socket may be another's, with another root. If
// nothing does, the error is a [timeoutError].
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

// dialer returns what connects to the engine of state, and to no other program
// that listens at its socket.
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

// checkPeer returns an error unless it is the engine of state, and it is this
// user's, that listens at the other end.
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
	// In another pid namespace than ours it has no number that we could know.
	if peer.Pid != 0 && int(peer.Pid) != state.PID {
		return fmt.Errorf("%s: process %d listens there, not the engine, process %d", state.Socket, peer.Pid, state.PID)
	}
	return nil
}

// isOther says whether the engine of state is of another version than cfg
// wants. Where one of the two is not known, there is nothing to compare.
func isOther(cfg Config, state contract.State) bool {
	return cfg.Version != "" && state.Version != "" && cfg.Version != state.Version
}

// stopOutdated ends an engine of another version of bkt. One that is busy is left to
// its work, which is an error.
func stopOutdated(ctx context.Context, cfg Config) error {
	c, state, err := dialOwn(ctx, cfg)
	if err != nil {
		return nil // there is none, or none that could be asked
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
		err := fmt.Errorf("the engine is busy, and of another version of bkt: %s, not %s", state.Version, cfg.Version)
		return hint.Add(err, "wait until it is done, or run \"bkt engine stop\"")
	}
	c.Close()
	_, err = Stop(ctx, cfg)
	return err
}

// isBusy says whether an engine has a build to do.
func isBusy(ctx context.Context, c *client.Client) (bool, error) {
	builds, err := c.ControlClient().ListenBuildHistory(ctx, &control.BuildHistoryRequest{ActiveOnly: true, EarlyExit: true})
	if err == nil {
		_, err = builds.Recv()
	}
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	return err == nil, err
}
