package main

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// runCommand runs args with our own input and output, and the address of the
// server in its environment. It returns the status that args ended with, as a
// shell would say it.
func runCommand(args []string, address string) (int, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), addressVariable+"="+address)

	// Signals are caught before the start, so that none ends this program and leaves
	// the command running.
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	done := make(chan struct{})
	defer close(done)
	go forward(signals, done, cmd.Process)
	return status(cmd.Wait())
}

// forward passes signals on to p until done is closed.
func forward(signals <-chan os.Signal, done <-chan struct{}, p *os.Process) {
	for {
		select {
		case s := <-signals:
			if !sentToAll(s) {
				p.Signal(s)
			}
		case <-done:
			return
		}
	}
}

// sentToAll reports whether s comes from a terminal, which sends it to every
// process in the foreground. The command has had it then, and a second one
// could mean "end at once" to it.
func sentToAll(s os.Signal) bool {
	if s != os.Interrupt && s != syscall.SIGQUIT {
		return false
	}
	foreground, err := unix.IoctlGetInt(int(os.Stdin.Fd()), unix.TIOCGPGRP)
	return err == nil && foreground == unix.Getpgrp()
}

// status turns the result of a command into its exit status.
func status(err error) (int, error) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0, err
	}
	if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return exit.ExitCode(), nil
}
