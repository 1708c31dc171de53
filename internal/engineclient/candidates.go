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
	Socket     string        // where that engine is, or will be
	Program    string        // bkt-engine, to start it with; see [FindEngine]
	ProgramErr error         // why there is no such program
	Version    string        // that the engine should be of; empty: any
	Idle       time.Duration // after which it is to end; 0: its own choice
	Keep       int64         // bytes of cache that it may keep; 0: its own choice

	timeouts timeouts
}

// Addresses that are none of a socket.
const (
	Auto   = "auto"   // the first engine of the ladder that can be used
	Own    = "own"    // bkt's own, like an empty address
	Docker = "docker" // the BuildKit inside dockerd
)

// Discovery say where to look for engines that others run.
type Discovery struct {
	Runtime string // the user's folder for sockets; may be empty
	System  string // the system's
	Docker  string // where dockerd listens, as DOCKER_HOST has it; empty: the usual place
}

// DiscoverFrom returns the surroundings that the variables of env tell of.
func DiscoverFrom(env func(string) string) Discovery {
	return Discovery{Runtime: absolute(env("XDG_RUNTIME_DIR")), System: "/run", Docker: env("DOCKER_HOST")}
}

// A Candidate is one of the places where a build looks for an engine.
type Candidate struct {
	Name    string
	Address string // as --engine takes it; empty if there is none
	Err     error  // why the engine cannot be used; nil if it can
}

// Candidates asks the engines that a build with cfg would look at, in that order,
// whether they can be used. It starts none that stays.
func Candidates(ctx context.Context, cfg Config) []Candidate {
	quiet()
	var rungs []Candidate
	for _, p := range cfg.places() {
		address, err := p.find(ctx)
		if err == nil {
			err = check(ctx, cfg, address)
		}
		rungs = append(rungs, Candidate{p.name, address, err})
	}
	return rungs
}

// check says why the engine at address cannot be used.
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

// checkOwn says why the own engine, should it not run, could not be started.
func checkOwn(ctx context.Context, cfg Config) error {
	c, _, err := dialOwn(ctx, cfg)
	if err == nil {
		c.Close()
		return nil
	}
	if _, mute := errors.AsType[timeoutError](err); mute {
		return err
	}
	needs, err := ReadNeeds(ctx, cfg)
	if err != nil {
		return err
	}
	var missing []error
	for _, n := range needs.All {
		missing = append(missing, n.Err)
	}
	return errors.Join(missing...)
}

// place is a rung before anyone has looked there.
type place struct {
	name string
	find func(context.Context) (address string, err error)
}

// places returns where cfg has a build look for an engine. One that is named is
// the only one: another would not be what was asked for.
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

// at is the find of a place that needs no looking for.
func at(address string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return address, nil }
}

// socketIn finds the socket of a buildkitd in a folder for sockets.
func socketIn(runtime string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		if runtime == "" {
			return "", errors.New("XDG_RUNTIME_DIR names no folder of the user's")
		}
		socket := filepath.Join(runtime, "buildkit", "buildkitd.sock")
		return "unix://" + socket, isThere(socket)
	}
}

// isThere returns an error unless there is a socket.
func isThere(socket string) error {
	info, err := os.Stat(socket)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is not there", socket)
	case err != nil:
		return patherr.TrimOp(err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is no socket", socket)
	}
	return nil
}

// A Connection is a connection to an engine that has answered.
type Connection struct {
	*client.Client
	Address string
	Daemon  *Daemon     // the dockerd whose BuildKit it is; nil if it is another
	Refused []Candidate // those that would have come first
	// What it can do with OCI layouts, known once it has been measured.
	ReadsLayouts, WritesLayouts bool
}

// Connect returns a connection to the first engine of cfg that can be used. It calls
// waiting for each that does not answer at once.
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
		c, err := connectOwn(ctx, cfg)
		return &Connection{Client: c, Address: address}, err
	}
	most := cfg.timeouts.answerTimeout()
	within, cancel := context.WithTimeoutCause(ctx, most, timeoutError(most))
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
	return nil, hint.Add(fmt.Errorf("engine %s: %w", address, err), "it is --engine or BUILDKIT_HOST that names it; without them, bkt finds one itself")
}

// dial connects to an engine that is not bkt's own.
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

// isUnfit says whether err is that of an own engine that this machine does not
// let run. Any other is worth mending, and no reason to build elsewhere.
func isUnfit(err error) bool {
	if _, ok := errors.AsType[*absentError](err); ok {
		return true
	}
	e, ok := errors.AsType[*contract.StartError](err)
	return ok && e.Status == contract.StatusUnfit
}

// absentError says that there is no own engine to start.
type absentError struct{ error }

func (e *absentError) Unwrap() error { return e.error }

// noEngine says of each rung why it is not used.
func noEngine(refused []Candidate) error {
	errs := []error{hint.Add(errors.New("there is no engine to build with"), "mend one of those below, or name one with --engine")}
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
