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
	"bkt/internal/engine/machine"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
)

const (
	// idleStop is how long an engine may take to stop that has no client any more, and
	// signalStop is the same after a signal.
	idleStop, signalStop = 6 * time.Second, 900 * time.Millisecond
	// killed is the exit status of an inner process whose outer process has ended.
	killed = 137
)

// IsInner reports whether a program with these arguments is the inner process
// of an engine, and must call [RunInner].
func IsInner(args []string) bool { return len(args) == 1 && args[0] == innerName }

// RunInner runs the inner process of an engine, and returns its exit status.
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

// runInner runs the engine itself, once it has its settings.
func runInner(lifeline, pipe *os.File) (err error) {
	defer crash.Recover(&err)
	s, err := await(lifeline)
	if err != nil {
		return err
	}
	return serve(s, pipe)
}

// await waits for the settings. From then on, the process ends when the
// lifeline is closed. (A parent-death signal is lost when the process gains
// capabilities.)
func await(lifeline *os.File) (settings, error) {
	var s settings
	var word [1]byte
	if _, err := io.ReadFull(lifeline, word[:]); err != nil {
		os.Exit(killed)
	}
	if word[0] == mapped {
		return s, restart()
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

// restart executes the program again in the same process. It has become root in
// its user namespace, and gets root's capabilities only now.
func restart() error {
	for fd := fdLifeline; fd <= fdSocket; fd++ {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
			return err
		}
	}
	return syscall.Exec("/proc/self/exe", os.Args, os.Environ())
}

// serve runs BuildKit until it is idle for too long or gets a signal.
func serve(s settings, pipe *os.File) error {
	// The first process of a pid namespace ignores signals without a handler,
	// so the handlers come before anything else.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if !s.Config.Debug {
		logrus.SetLevel(logrus.ErrorLevel)
	}
	// Files in images get exactly the modes that they ask for.
	unix.Umask(0)
	if err := prepareNamespaces(s); err != nil {
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
		return server.stop(idleStop)
	case <-ctx.Done():
		idle.leave()
		return server.stop(signalStop)
	}
}

// prepareNamespaces keeps mounts in this namespace, and gives the engine its
// own /proc and runtime state.
func prepareNamespaces(s settings) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return machine.Unfit(machine.ExplainNamespaces(fmt.Errorf("mount namespace: %w", err)))
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NOEXEC|unix.MS_NODEV, ""); err != nil {
		return machine.Unfit(fmt.Errorf("mounting /proc: %w", err))
	}
	return ownRuntimeState(s)
}

// ownRuntimeState makes runc or crun store the state of containers in the root. It
// removes the state that a killed engine left there.
func ownRuntimeState(s settings) error {
	state := filepath.Join(s.Config.Root, "run")
	if err := os.RemoveAll(state); err != nil {
		return err
	}
	if err := os.Mkdir(state, 0o700); err != nil {
		return err
	}
	if s.Rootless {
		// The runtimes read XDG_RUNTIME_DIR; runc does so only if USER is not root.
		if err := os.Unsetenv("USER"); err != nil {
			return err
		}
		return os.Setenv("XDG_RUNTIME_DIR", state)
	}
	standard := filepath.Join("/run", filepath.Base(s.Runtime))
	if err := os.MkdirAll(standard, 0o700); err != nil {
		return err
	}
	return unix.Mount(state, standard, "", unix.MS_BIND, "")
}
