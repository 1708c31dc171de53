package testkit

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// OnLoopback finds the address that a program says it listens on.
var OnLoopback = regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)

// A Daemon is a program that runs until it is stopped.
type Daemon struct {
	cmd   *exec.Cmd
	ready []string
	up    chan struct{} // closed when it is ready
	ended chan struct{} // closed when it has closed its output
	mu    sync.Mutex
	text  strings.Builder
}

// StartDaemon starts a program and waits until it has printed all texts in ready. The program
// ends with this process, see [StartTied].
func StartDaemon(ready []string, argv ...string) (*Daemon, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout = cmd.Stderr
	if err := StartTied(cmd); err != nil {
		return nil, err
	}
	d := &Daemon{cmd: cmd, ready: ready, up: make(chan struct{}), ended: make(chan struct{})}
	go d.read(out)
	select {
	case <-d.up:
		return d, nil
	case <-d.ended:
		err = fmt.Errorf("%s ended:\n%s", argv[0], d.Output())
	case <-time.After(2 * time.Minute):
		err = fmt.Errorf("%s is not ready:\n%s", argv[0], d.Output())
	}
	_ = d.Stop()
	return nil, err
}

// Stop asks the daemon to end. After a grace period it kills the daemon and its
// children: a buildkitd has been seen not to end.
func (d *Daemon) Stop() error {
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.ended:
	case <-time.After(15 * time.Second):
	}
	_ = syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL)
	_ = d.cmd.Wait()
	return nil
}

// Output returns what the daemon has printed so far.
func (d *Daemon) Output() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.String()
}

func (d *Daemon) read(r io.Reader) {
	defer close(d.ended)
	up := sync.OnceFunc(func() { close(d.up) })
	for lines := bufio.NewScanner(r); lines.Scan(); {
		d.mu.Lock()
		fmt.Fprintln(&d.text, lines.Text())
		d.mu.Unlock()
		if d.isReady() {
			up()
		}
	}
}

func (d *Daemon) isReady() bool {
	text := d.Output()
	return !slices.ContainsFunc(d.ready, func(ready string) bool { return !strings.Contains(text, ready) })
}
