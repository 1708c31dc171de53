package main

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
	"testing"
	"time"
)

// onLoopback finds where a program says that it listens.
var onLoopback = regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)

// serve runs a server until the test ends, and returns its host and port, which
// it says after the text ready.
func serve(t *testing.T, ready string, argv ...string) string {
	t.Helper()
	_, rest, _ := strings.Cut(daemon(t, []string{ready}, argv...).String(), ready)
	return onLoopback.FindString(rest)
}

// daemon runs a program until the test ends. It is up once it has said all of
// ready.
func daemon(t *testing.T, ready []string, argv ...string) *words {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = cmd.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := &words{ready: ready, up: make(chan struct{}), ended: make(chan struct{})}
	go said.read(out)
	t.Cleanup(func() { end(cmd, said) })
	select {
	case <-said.up:
	case <-said.ended:
		t.Fatalf("%s ended:\n%s", argv[0], said)
	case <-time.After(time.Minute):
		t.Fatalf("%s is not up:\n%s", argv[0], said)
	}
	return said
}

// end asks a daemon to end, and after a while makes it and its children: a
// buildkitd has been seen not to.
func end(cmd *exec.Cmd, said *words) {
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-said.ended:
	case <-time.After(15 * time.Second):
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	_ = cmd.Wait()
}

// words are what a daemon says.
type words struct {
	ready     []string
	up, ended chan struct{}
	mu        sync.Mutex
	text      strings.Builder
}

func (w *words) read(r io.Reader) {
	defer close(w.ended)
	up := sync.OnceFunc(func() { close(w.up) })
	for lines := bufio.NewScanner(r); lines.Scan(); {
		w.mu.Lock()
		fmt.Fprintln(&w.text, lines.Text())
		w.mu.Unlock()
		if w.isReady() {
			up()
		}
	}
}

func (w *words) isReady() bool {
	text := w.String()
	return !slices.ContainsFunc(w.ready, func(ready string) bool { return !strings.Contains(text, ready) })
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}
