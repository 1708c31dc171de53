// Package engineclient finds, starts and stops BuildKit engines, and connects
// to them.
//
// An engine is one that is named by its address, or bkt's own, which is started
// if it does not run, or with [Auto] the first of several candidates. The
// package reads no environment variables, and prints nothing. The engine itself
// is package engine, which another program links.
package engineclient

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"bkt/internal/engine/contract"
	"bkt/internal/hint"
	"bkt/internal/patherr"

	"github.com/moby/buildkit/client"
)

// A Config says which engine to use.
type Config struct {
	Address    string        // of any BuildKit engine, such as unix:///run/x.sock, or [Auto], [Own] or [Docker]; empty: bkt's own
	Discovery  Discovery     // where [Auto] and [Docker] look
	TLS        string        // the folder with ca.pem, cert.pem and key.pem for tcp:// addresses; empty: without TLS
	Root       string        // the folder of bkt's own engine
	Socket     string        // that it listens at
	Program    string        // bkt-engine, which is that engine; see [FindEngine]
	ProgramErr error         // why Program is empty
	Version    string        // that the engine must have; empty: any
	Idle       time.Duration // time without a client after which it stops; 0: its default
	Keep       int64         // bytes of cache that it may keep; 0: its default

	timeouts timeouts
}

// Addresses that are not those of a socket.
const (
	Auto   = "auto"   // the first candidate that can be used
	Own    = "own"    // bkt's own engine, like an empty address
	Docker = "docker" // the BuildKit inside dockerd
)

// Discovery says where to look for engines that others run.
type Discovery struct {
	Runtime string // the user's folder for sockets; may be empty
	System  string // the system's
	Docker  string // the address of dockerd, in the form of DOCKER_HOST; empty: the default one
}

// DiscoverFrom returns the places that the variables of env name. env looks up a
// variable, like [os.Getenv].
func DiscoverFrom(env func(string) string) Discovery {
	return Discovery{Runtime: absolute(env("XDG_RUNTIME_DIR")), System: "/run", Docker: env("DOCKER_HOST")}
}

// A Candidate is an engine that a build may use.
type Candidate struct {
	Name    string
	Address string // in the form of --engine; empty if no engine was found
	Err     error  // why the engine cannot be used; nil if it can
}

// Candidates returns the engines that a build with cfg would try, in that
// order, and whether they can be used. It leaves no engine running that did not
// run before.
func Candidates(ctx context.Context, cfg Config) []Candidate {
	quiet()
	var all []Candidate
	for _, p := range cfg.places() {
		address, err := p.find(ctx)
		if err == nil {
			err = check(ctx, cfg, address)
		}
		all = append(all, Candidate{p.name, address, err})
	}
	return all
}

// check returns why the engine at address cannot be used.
func check(ctx context.Context, cfg Config, address string) error {
	if address == Own {
		return checkOwn(ctx, cfg)
	}
	c, err := connectTo(ctx, cfg, address)
	if err == nil {
		c.Close()
	}
	return err
}

// checkOwn returns why the own engine does not run and could not be started.
func checkOwn(ctx context.Context, cfg Config) error {
	c, _, err := dialOwn(ctx, cfg)
	if err == nil {
		c.Close()
		return nil
	}
	if _, timedOut := errors.AsType[timeoutError](err); timedOut {
		return err
	}
	needs, err := ReadNeeds(ctx, cfg)
	if err != nil {
		return err
	}
	var missing []error
	for _, n := range needs.All {
		if !n.Optional {
			missing = append(missing, n.Err)
		}
	}
	return errors.Join(missing...)
}

// A place is an address where bkt looks for a candidate.
type place struct {
	name string
	find func(context.Context) (address string, err error)
}

// places returns where a build with cfg looks for an engine. If the user names an
// engine, it is the only one.
func (cfg Config) places() []place {
	own := place{"bkt's own engine", at(Own)}
	switch cfg.Address {
	case Auto:
	case "", Own:
		return []place{own}
	default:
		return []place{{"the engine " + cfg.Address, at(cfg.Address)}}
	}
	return []place{
		own,
		{"the user's buildkitd", socketIn(cfg.Discovery.Runtime)},
		{"the system's buildkitd", socketIn(cfg.Discovery.System)},
		{"a BuildKit in podman", containerOf("podman")},
		{"a BuildKit in docker", containerOf("docker")},
		{"the BuildKit inside dockerd", cfg.findDockerd},
	}
}

// at returns the find of a place whose address is known.
func at(address string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return address, nil }
}

// socketIn finds the socket of a buildkitd in a folder for sockets.
func socketIn(dir string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		if dir == "" {
			return "", errors.New("XDG_RUNTIME_DIR is not set to an absolute path")
		}
		socket := filepath.Join(dir, "buildkit", "buildkitd.sock")
		return "unix://" + socket, checkSocket(socket)
	}
}

// checkSocket returns an error unless socket is a socket.
func checkSocket(socket string) error {
	info, err := os.Stat(socket)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s does not exist", socket)
	case err != nil:
		return patherr.TrimOp(err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is not a socket", socket)
	}
	return nil
}

// A Connection is a connection to an engine that has answered. The caller
// closes it.
type Connection struct {
	*client.Client
	Address string
	Daemon  *Daemon     // the dockerd that the engine is part of, or nil
	Refused []Candidate // candidates that were tried before
	// What it can do with OCI layouts; set by Measure.
	ReadsLayouts, WritesLayouts bool

	state contract.State // of the own engine
}

// Connect returns a connection to the first engine of cfg that can be used. It
// calls waiting for each that does not answer at once.
func Connect(ctx context.Context, cfg Config, waiting func(who string)) (*Connection, error) {
	quiet()
	places := cfg.places()
	var refused []Candidate
	for _, p := range places {
		done := notifyIfSlow(cfg.timeouts.noticeDelay(), func() { waiting(p.name) })
		address, err := p.find(ctx)
		var c *Connection
		if err == nil {
			c, err = connectTo(ctx, cfg, address)
		}
		done()
		switch {
		case err == nil:
			c.Refused = refused
			return c, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case len(places) == 1 || address == Own && !isUnfit(err):
			return nil, err
		}
		refused = append(refused, Candidate{p.name, address, err})
	}
	return nil, noEngine(refused)
}

// connectTo connects to the engine at address.
func connectTo(ctx context.Context, cfg Config, address string) (*Connection, error) {
	if address == Own {
		c, state, err := connectOwn(ctx, cfg)
		return &Connection{Client: c, Address: address, state: state}, err
	}
	timeout := cfg.timeouts.answerTimeout()
	within, cancel := context.WithTimeoutCause(ctx, timeout, timeoutError(timeout))
	defer cancel()
	c, err := cfg.dial(within, address)
	switch {
	case err == nil:
		return c, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case within.Err() != nil:
		err = context.Cause(within)
	}
	if address != cfg.Address {
		return nil, err
	}
	return nil, hint.Add(fmt.Errorf("engine %s: %w", address, err), "--engine or BUILDKIT_HOST names this engine; without them, bkt finds one itself")
}

// dial connects to an engine other than bkt's own.
func (cfg Config) dial(ctx context.Context, address string) (*Connection, error) {
	d, ok, err := cfg.dockerd(address)
	if err != nil {
		return nil, err
	}
	if ok {
		c, err := d.dial(ctx)
		return &Connection{Client: c, Address: address, Daemon: &d}, err
	}
	options, err := cfg.secure(address)
	if err != nil {
		return nil, err
	}
	c, err := dial(ctx, address, options...)
	return &Connection{Client: c, Address: address}, cfg.adviseTLS(address, err)
}

// isUnfit reports whether the own engine cannot run on this machine. Any other error
// needs a fix, and is no reason to build elsewhere.
func isUnfit(err error) bool {
	if _, ok := errors.AsType[*programError](err); ok {
		return true
	}
	e, ok := errors.AsType[*contract.StartError](err)
	return ok && e.Status == contract.StatusUnfit
}

// A programError says that the program of the own engine is missing.
type programError struct{ error }

func (e *programError) Unwrap() error { return e.error }

// noEngine returns an error that says why each candidate cannot be used.
func noEngine(refused []Candidate) error {
	errs := []error{hint.Add(errors.New("no engine is available"), "fix one of those below, or name one with --engine")}
	for _, r := range refused {
		errs = append(errs, eachOf(r.Err, r.Name))
	}
	return errors.Join(errs...)
}

// Name returns what to call the engine.
func (c *Connection) Name() string {
	switch {
	case c.Address == Own:
		return "bkt's own engine"
	case c.Daemon != nil:
		return "the BuildKit inside dockerd at " + c.Daemon.String()
	}
	return c.Address
}
