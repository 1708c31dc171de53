package engineclient

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"bkt/internal/engine/contract"
	"bkt/internal/flock"
	"bkt/internal/hint"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// short is a timeout that a test waits for, long one that it must not wait for.
const (
	short = 50 * time.Millisecond
	long  = time.Hour
)

// mute returns the path of a socket that accepts connections and never answers.
func mute(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bkt") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "mute.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return socket
}

// listening collects the names of engines that Connect waits for.
type listening []string

func (l *listening) waiting(who string) { *l = append(*l, who) }

func TestMuteEngineTimesOut(t *testing.T) {
	cfg := nowhere(t)
	cfg.Address = "unix://" + mute(t)
	cfg.timeouts = timeouts{answer: short, start: long, notice: time.Nanosecond}
	var said listening
	_, err := Connect(t.Context(), cfg, said.waiting)
	if want := "engine " + cfg.Address + ": no answer in 50ms"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	if diff := cmp.Diff(listening{"the engine " + cfg.Address}, said); diff != "" {
		t.Errorf("waited for (-want +got):\n%s", diff)
	}
}

// TestNoWaitIsNotReported checks that candidates that answer at once are not
// reported as waited for.
func TestNoWaitIsNotReported(t *testing.T) {
	cfg := nowhere(t)
	cfg.timeouts = timeouts{notice: long}
	if _, err := Connect(t.Context(), cfg, func(who string) { t.Error("waits for " + who) }); err == nil {
		t.Error("there is an engine")
	}
}

// muteOwn makes this test the own engine of cfg: it holds the lock, and listens.
func muteOwn(t *testing.T, cfg Config) {
	t.Helper()
	state, err := json.Marshal(contract.State{PID: os.Getpid(), Socket: mute(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(cfg.Root, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(contract.StateFile(cfg.Root), state, 0o600); err != nil {
		t.Fatal(err)
	}
	lock, err := flock.TryLock(contract.LockFile(cfg.Root), os.O_CREATE|os.O_RDWR, flock.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lock.Close() })
}

// TestMuteOwnEngineTimesOut checks that Connect waits for it once, and does not
// build elsewhere.
func TestMuteOwnEngineTimesOut(t *testing.T) {
	cfg := nowhere(t)
	cfg.Program = filepath.Join(cfg.Discovery.Runtime, "not-to-be-started")
	muteOwn(t, cfg)
	cfg.timeouts = timeouts{answer: long, start: short, notice: time.Nanosecond}
	want := "the engine (pid " + strconv.Itoa(os.Getpid()) + ") does not answer: no answer in 50ms"
	var said listening
	_, err := Connect(t.Context(), cfg, said.waiting)
	checkMute(t, err, want)
	if diff := cmp.Diff(listening{"bkt's own engine"}, said); diff != "" {
		t.Errorf("waited for (-want +got):\n%s", diff)
	}
	_, err = Status(t.Context(), cfg)
	checkMute(t, err, want)
	checkMute(t, Candidates(t.Context(), cfg)[0].Err, want)
}

func checkMute(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	if diff := cmp.Diff([]string{`run "bkt engine stop"`}, hint.Of(err)); diff != "" {
		t.Errorf("hints (-want +got):\n%s", diff)
	}
}

// neverReady gives cfg a program that writes its pid into a pipe, and then neither
// reports nor ends. It returns a function that waits for the pid.
func neverReady(t *testing.T, cfg *Config) (pid func() int) {
	t.Helper()
	dir := cfg.Discovery.Runtime
	cfg.Address, cfg.Program = Own, filepath.Join(dir, "engine")
	for _, name := range []string{"pid", "never"} {
		if err := unix.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	script := "#!/bin/sh\necho $$ >" + dir + "/pid\nread line <" + dir + "/never\n"
	if err := os.WriteFile(cfg.Program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return func() int {
		text, err := os.ReadFile(filepath.Join(dir, "pid"))
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
}

func TestSlowStartTimesOut(t *testing.T) {
	cfg := nowhere(t)
	neverReady(t, &cfg)
	cfg.timeouts = timeouts{start: short}
	_, err := Connect(t.Context(), cfg, func(string) {})
	want := "starting the engine: " + cfg.Program + ": no answer in 50ms"
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

// TestInterruptedStartLeavesNothing ends the wait, like Ctrl-C, while an engine
// starts.
func TestInterruptedStartLeavesNothing(t *testing.T) {
	cfg := nowhere(t)
	pid := neverReady(t, &cfg)
	cfg.timeouts = timeouts{start: long}
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() {
		_, err := Connect(ctx, cfg, func(string) {})
		result <- err
	}()
	engine, err := unix.PidfdOpen(pid(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(engine)
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) || err.Error() != context.Canceled.Error() {
		t.Errorf("error is %v", err)
	}
	if !ended(t.Context(), engine, time.Minute) {
		t.Error("the engine still starts")
	}
	lock, err := flock.Lock(t.Context(), filepath.Join(cfg.Root, "start.lock"), os.O_RDWR, flock.Exclusive, nil)
	if err != nil {
		t.Fatal(err)
	}
	lock.Close()
}

func TestInterruptedWaitForAMuteEngine(t *testing.T) {
	for name, address := range map[string]string{"named": "unix://" + mute(t), "own": Own} {
		t.Run(name, func(t *testing.T) {
			cfg := nowhere(t)
			muteOwn(t, cfg)
			cfg.Address = address
			cfg.timeouts = timeouts{start: long, answer: long, notice: time.Nanosecond}
			ctx, cancel := context.WithCancel(t.Context())
			if _, err := Connect(ctx, cfg, func(string) { cancel() }); !errors.Is(err, context.Canceled) {
				t.Errorf("error is %v", err)
			}
		})
	}
}
