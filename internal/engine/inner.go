package engine

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"bkt/internal/crash"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
)

const (
	// grace is how long running builds may go on when the engine is to stop.
	grace = 2 * time.Second
	// patience is how long the engine may take to stop in all.
	patience = 6 * time.Second
	// killed is the exit status of an inner process whose outer one is gone.
	killed = 137
)

// IsInner says whether a program with these arguments was started as the inner
// process of an engine, and has to call [RunInner].
func IsInner(args []string) bool { return len(args) == 1 && args[0] == innerName }

// RunInner is the inner process of an engine. It returns its exit status.
func RunInner() int {
	for fd := fdLifeline; fd <= fdSocket; fd++ {
		unix.CloseOnExec(fd)
	}
	pipe := os.NewFile(fdReport, "report")
	lifeline := os.NewFile(fdLifeline, "lifeline")
	if err := runInner(lifeline, pipe); err != nil {
		fmt.Fprintln(os.Stderr, err)
		report(pipe, err)
		return 1
	}
	return 0
}

// runInner is the engine itself, from its settings on.
func runInner(lifeline, pipe *os.File) (err error) {
	defer crash.Recover(&err)
	s, err := await(lifeline)
	if err != nil {
		return err
	}
	return serve(s, pipe)
}

// await waits for the settings. From then on, the process ends when the
// lifeline does. (A parent-death signal would not do: it is lost when the
// process gains capabilities.)
func await(lifeline *os.File) (settings, error) {
	var s settings
	var word [1]byte
	if _, err := io.ReadFull(lifeline, word[:]); err != nil {
		os.Exit(killed)
	}
	if word[0] == mapped {
		return s, again()
	}
	r := bufio.NewReader(lifeline)
	line, err := r.ReadBytes('\n')
	if err != nil {
		os.Exit(killed)
	}
	go func() {
		_, _ = r.ReadByte()
		os.Exit(killed)
	}()
	return s, json.Unmarshal(line, &s)
}

// again starts the program anew in the same process. Having become root in its
// user namespace, it is given root's capabilities only now.
func again() error {
	for fd := fdLifeline; fd <= fdSocket; fd++ {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
			return err
		}
	}
	return syscall.Exec("/proc/self/exe", os.Args, os.Environ())
}

// serve runs BuildKit until nobody needs it or a signal says so.
func serve(s settings, pipe *os.File) error {
	// The first process of a pid namespace ignores signals that it has no
	// handler for, so they are asked for before anything else.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if !s.Config.Debug {
		logrus.SetLevel(logrus.ErrorLevel)
	}
	// What goes into images gets the modes that it is meant to have.
	unix.Umask(0)
	if err := settle(s); err != nil {
		return err
	}
	l, err := net.FileListener(os.NewFile(fdSocket, "socket"))
	if err != nil {
		return err
	}
	server, err := newServer(context.Background(), s)
	if err != nil {
		return err
	}
	idle := newIdleListener(l, s.Config.Socket, s.Config.Idle)
	if err := idle.watch(); err != nil {
		return err
	}
	server.serve(idle)
	report(pipe, nil)
	select {
	case <-idle.done:
	case <-ctx.Done():
		idle.leave()
	}
	return server.stop()
}

// settle makes the namespaces ready for use: what is mounted here stays here,
// and /proc and the runtime's state are the engine's own.
func settle(s settings) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return unfit(explainNamespaces(fmt.Errorf("mount namespace: %w", err)))
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NOEXEC|unix.MS_NODEV, ""); err != nil {
		return unfit(fmt.Errorf("mounting /proc: %w", err))
	}
	return ownRuntimeState(s)
}

// ownRuntimeState makes runc or crun keep the state of containers in the root,
// where what an engine that was killed has left behind is removed.
func ownRuntimeState(s settings) error {
	state := filepath.Join(s.Config.Root, "run")
	if err := os.RemoveAll(state); err != nil {
		return err
	}
	if err := os.Mkdir(state, 0o700); err != nil {
		return err
	}
	if s.Rootless {
		// This is where the runtimes look. runc does so only if it is not root
		// by name, which it is not in a namespace.
		if err := os.Unsetenv("USER"); err != nil {
			return err
		}
		return os.Setenv("XDG_RUNTIME_DIR", state)
	}
	removeCgroups()
	usual := filepath.Join("/run", filepath.Base(s.Runtime))
	if err := os.MkdirAll(usual, 0o700); err != nil {
		return err
	}
	return unix.Mount(state, usual, "", unix.MS_BIND, "")
}
