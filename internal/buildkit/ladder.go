package buildkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"bkt/internal/engine/contract"
	"bkt/internal/hint"
	"bkt/internal/patherr"

	"github.com/moby/buildkit/client"
)

// Addresses that are none of a socket.
const (
	Auto   = "auto"   // the first engine of the ladder that can be used
	Own    = "own"    // bkt's own, like an empty address
	Docker = "docker" // the BuildKit inside dockerd
)

// Surroundings say where to look for engines that others run.
type Surroundings struct {
	Runtime string // the user's folder for sockets; may be empty
	System  string // the system's
	Docker  string // where dockerd listens, as DOCKER_HOST has it; empty: the usual place
}

// Around returns the surroundings that the variables of env tell of.
func Around(env func(string) string) Surroundings {
	return Surroundings{Runtime: absolute(env("XDG_RUNTIME_DIR")), System: "/run", Docker: env("DOCKER_HOST")}
}

// A Rung is one of the places where a build looks for an engine.
type Rung struct {
	Name    string
	Address string // as --engine takes it; empty if there is none
	Err     error  // why the engine cannot be used; nil if it can
}

// Ladder asks the engines that a build with cfg would look at, in that order,
// whether they can be used. It starts none that stays.
func Ladder(ctx context.Context, cfg Config) []Rung {
	quiet()
	var rungs []Rung
	for _, p := range cfg.places() {
		address, err := p.find(ctx)
		if err == nil {
			err = check(ctx, cfg, address)
		}
		rungs = append(rungs, Rung{p.name, address, err})
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
	if _, mute := errors.AsType[noAnswer](err); mute {
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
		{"the user's buildkitd", socketIn(cfg.Around.Runtime)},
		{"the system's buildkitd", socketIn(cfg.Around.System)},
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

// connection is one to an engine that has answered.
type connection struct {
	*client.Client
	address string
	daemon  *daemon // the dockerd whose BuildKit it is; nil if it is another
	refused []Rung  // those that would have come first
	// What it can do with OCI layouts, known once it has been measured.
	readsLayouts, writesLayouts bool
}

// connect returns a connection to the first engine that can be used, and says on
// log what it has to wait for.
func (b Builder) connect(ctx context.Context, log io.Writer) (*connection, error) {
	return connect(ctx, b.Config, func(who string) { b.say(log, "waiting for "+who+" to answer") })
}

// connect is about any use of an engine. waiting is called for each that does not
// answer at once.
func connect(ctx context.Context, cfg Config, waiting func(who string)) (*connection, error) {
	quiet()
	places := cfg.places()
	var refused []Rung
	for _, p := range places {
		done := unlessSoon(cfg.patience.toNotice(), func() { waiting(p.name) })
		address, err := p.find(ctx)
		var c *connection
		if err == nil {
			c, err = connectTo(ctx, cfg, address)
		}
		done()
		switch {
		case err == nil:
			c.refused = refused
			return c, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case len(places) == 1 || address == Own && !isUnfit(err):
			return nil, err
		}
		refused = append(refused, Rung{p.name, address, err})
	}
	return nil, noEngine(refused)
}

// connectTo connects to the engine at address.
func connectTo(ctx context.Context, cfg Config, address string) (*connection, error) {
	if address == Own {
		c, err := connectOwn(ctx, cfg)
		return &connection{Client: c, address: address}, err
	}
	most := cfg.patience.toAnswer()
	within, cancel := context.WithTimeoutCause(ctx, most, noAnswer(most))
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
func (cfg Config) dial(ctx context.Context, address string) (*connection, error) {
	d, ok, err := cfg.dockerd(address)
	if err != nil {
		return nil, err
	}
	if ok {
		c, err := d.dial(ctx)
		return &connection{Client: c, address: address, daemon: &d}, err
	}
	options, err := cfg.secure(address)
	if err != nil {
		return nil, err
	}
	c, err := dial(ctx, address, options...)
	return &connection{Client: c, address: address}, cfg.adviseTLS(address, err)
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
func noEngine(refused []Rung) error {
	errs := []error{hint.Add(errors.New("there is no engine to build with"), "mend one of those below, or name one with --engine")}
	for _, r := range refused {
		errs = append(errs, eachOf(r.Err, r.Name))
	}
	return errors.Join(errs...)
}

// introduce says which engine builds, if it is not the one that is expected, and
// why that one does not.
func (b Builder) introduce(log io.Writer, c *connection) {
	for _, r := range c.refused {
		for _, err := range hint.Split(r.Err) {
			b.say(log, "not with "+r.Name+": "+err.Error())
		}
	}
	if b.Verbose || len(c.refused) > 0 {
		b.say(log, "building with "+c.name())
	}
}

// name is what to call the engine.
func (c *connection) name() string {
	switch {
	case c.address == Own:
		return "bkt's own engine"
	case c.daemon != nil:
		return "the BuildKit inside dockerd at " + c.daemon.String()
	}
	return c.address
}
