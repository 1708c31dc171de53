// Package engine is a whole BuildKit: its controller, a worker that runs
// containers with runc or crun, and a socket to reach it by.
//
// An engine is two processes. The outer one is what was started: it takes the
// lock of the root, listens on the socket, starts the inner one in namespaces
// of its own and passes signals on. The inner one is BuildKit, and pid 1 of
// those namespaces: when it ends, for whatever reason, the kernel ends every
// container and takes every mount away. A pipe between the two, the lifeline,
// makes the inner end with the outer.
//
// What is built, and what is done with it, is the clients' affair. The engine
// ends by itself when it has had no client for some time.
package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"bkt/internal/engine/contract"

	"golang.org/x/sys/unix"
)

// A Config says how an engine is to run.
type Config struct {
	Root      string        // the folder for all that the engine keeps
	Socket    string        // the unix socket that it serves
	Idle      time.Duration // how long to stay without a connection
	KeepBytes int64         // size on disk above which the cache is cleaned up
	Version   string        // what to call this engine
	Path      string        // where to look for programs, as in $PATH
	Debug     bool          // log all that BuildKit says, not only errors

	Snapshotter string // what makes the layers: a name in contract; empty: the first that works
}

// Run runs an engine until it is idle for too long or gets SIGINT or SIGTERM.
// Once, it reports to ready, which may be nil, that it is up or why it is not.
func Run(c Config, ready *os.File) error {
	err := run(c, func() { report(ready, nil) })
	report(ready, err)
	return err
}

// report tells whoever started the engine, and hangs up: there is one report.
func report(ready *os.File, err error) {
	if ready == nil {
		return
	}
	// A second report fails, as the file is closed, and so does one to a client
	// that is gone. Neither is a reason to stop.
	_ = contract.Report(ready, err, Status(err))
	_ = ready.Close()
}

// Status returns the exit status for an error that Run returned.
func Status(err error) int {
	if err == nil {
		return 0
	}
	if _, ok := errors.AsType[*heldError](err); ok {
		return contract.StatusHeld
	}
	if _, ok := errors.AsType[*unfitError](err); ok {
		return contract.StatusUnfit
	}
	if e, ok := errors.AsType[*contract.StartError](err); ok {
		return e.Status // as the inner process has said
	}
	return 1
}

func run(c Config, up func()) error {
	// All that is made from here on is for the user alone.
	unix.Umask(0o077)
	c, err := c.absolute()
	if err != nil {
		return err
	}
	p, err := prepare(c)
	if err != nil {
		return unfit(err)
	}
	lock, err := lock(c.Root)
	if err != nil {
		return err
	}
	// The lock goes when the last copy of its file is closed. The inner process
	// has one too, so that no other engine starts while it still runs.
	defer lock.Close()
	log, err := os.OpenFile(contract.LogFile(c.Root), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	s, err := listen(c.Socket)
	if err != nil {
		return err
	}
	defer s.remove()
	return supervise(c, p, files{lock: lock, log: log, socket: s}, up)
}

func (c Config) absolute() (Config, error) {
	if c.KeepBytes <= 0 {
		return c, fmt.Errorf("the size to keep is %d bytes, but must be more than nothing", c.KeepBytes)
	}
	var err error
	if c.Root, err = filepath.Abs(c.Root); err != nil {
		return c, err
	}
	c.Socket, err = filepath.Abs(c.Socket)
	return c, err
}
