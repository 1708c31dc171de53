// Package engine is a whole BuildKit: its controller, a worker that runs
// containers with runc or crun, and a socket.
//
// An engine is two processes. The outer one takes the lock of the root, listens
// on the socket, starts the inner one in new namespaces, and forwards signals.
// The inner one is BuildKit, and pid 1 of those namespaces: when it ends, for
// any reason, the kernel ends every container and removes every mount. A pipe
// between the two, the lifeline, makes the inner process end with the outer
// one.
//
// The engine stops when it has had no client for some time.
package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"bkt/internal/engine/contract"
	"bkt/internal/engine/machine"

	"golang.org/x/sys/unix"
)

// A Config has the settings of an engine.
type Config struct {
	Root      string        // the folder for all files of the engine
	Socket    string        // the path of its unix socket
	Idle      time.Duration // time without a connection after which it stops
	KeepBytes int64         // size on disk above which it deletes from the cache
	Version   string        // that it reports
	Path      string        // where to look for programs, in the form of $PATH
	Debug     bool          // log all messages of BuildKit, not only errors

	Snapshotter string // a name in package contract; empty: the first that works
}

// Run runs an engine until it is idle for too long or gets SIGINT or SIGTERM.
// It reports once to ready, which may be nil, that it is ready or why it is
// not.
func Run(c Config, ready *os.File) error {
	err := run(c, func() { report(ready, nil) })
	report(ready, err)
	return err
}

// report reports to the client that started the engine, and closes the file.
func report(ready *os.File, err error) {
	if ready == nil {
		return
	}
	// A second report fails, because the file is closed, and so does one to a
	// client that has ended. Neither is a reason to stop.
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
	if _, ok := errors.AsType[*machine.UnfitError](err); ok {
		return contract.StatusUnfit
	}
	if e, ok := errors.AsType[*contract.StartError](err); ok {
		return e.Status // of the inner process
	}
	return 1
}

func run(c Config, up func()) error {
	// Only the user can read the files.
	unix.Umask(0o077)
	c, err := c.absolute()
	if err != nil {
		return err
	}
	p, err := machine.Prepare(c.Path)
	if err != nil {
		return machine.Unfit(err)
	}
	lock, err := lock(c.Root)
	if err != nil {
		return err
	}
	// The lock ends when the last copy of its file is closed. The inner process
	// has one, too, so that no other engine starts while it runs.
	defer lock.Close()
	log, err := os.OpenFile(contract.LogFile(c.Root), os.O_CREATE|os.O_WRONLY|os.O_TRUNC|unix.O_NONBLOCK, 0o600)
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
		return c, fmt.Errorf("the size to keep must be more than 0 bytes, not %d", c.KeepBytes)
	}
	var err error
	if c.Root, err = filepath.Abs(c.Root); err != nil {
		return c, err
	}
	c.Socket, err = filepath.Abs(c.Socket)
	return c, err
}
