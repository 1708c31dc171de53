package main_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bkt/internal/buildkit"
	"bkt/internal/engine/contract"
	"bkt/internal/engineclient"
	"bkt/internal/hint"

	"github.com/google/go-cmp/cmp"
)

// hang starts a build with a RUN that never ends, and returns once it runs. The RUN's
// process has marker in its command line; done receives the error of the build.
func (w world) hang(t *testing.T, ctx context.Context) (marker string, done <-chan error) {
	t.Helper()
	marker = "marker-" + filepath.Base(w.Dir)
	w.containerfile(t, `RUN ["/init", "hang", "`+marker+`"]`)
	log := watchFor("hanging")
	result := make(chan error, 1)
	go func() {
		_, err := w.build(ctx, log)
		result <- err
	}()
	log.await(t)
	if running, mounted := w.left(marker); len(running) == 0 || len(mounted) == 0 {
		t.Fatalf("the RUN is not to be seen: processes %v, with mounts %v", running, mounted)
	}
	return marker, result
}

func (w world) status(t *testing.T) engineclient.Engine {
	t.Helper()
	e, err := engineclient.Status(t.Context(), w.config())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestCancelledBuildLeavesNothing(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	marker, done := w.hang(t, ctx)
	pid := w.status(t).PID
	cancel()
	if err := result(t, done); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	w.awaitNothingLeft(t, marker)
	if now := w.status(t).PID; now != pid {
		t.Errorf("another engine runs: %d, not %d", now, pid)
	}
}

func TestKilledEngineLeavesNothing(t *testing.T) {
	for _, which := range []string{"outer", "inner"} {
		t.Run(which, func(t *testing.T) {
			w := newWorld(t)
			marker, done := w.hang(t, t.Context())
			pids := map[string]int{"outer": w.status(t).PID, "inner": innerPID(t, w)}
			if err := syscall.Kill(pids[which], syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			err := result(t, done)
			if err == nil || err.Error() != "the engine stopped during the build" || len(hint.Of(err)) != 1 {
				t.Errorf("error is %v, hints %q", err, hint.Of(err))
			}
			w.awaitNothingLeft(t, marker)
			// The files that it has left in its root do no harm.
			w.containerfile(t, `RUN ["/init", "write", "/etc/made", "x"]`)
			w.mustBuild(t)
		})
	}
}

// innerPID returns the pid of the process in the engine's namespaces.
func innerPID(t *testing.T, w world) int {
	t.Helper()
	state, err := contract.ReadState(w.config().Root)
	if err != nil {
		t.Fatal(err)
	}
	return state.Inner
}

func TestKilledClientEndsItsBuild(t *testing.T) {
	w := newWorld(t)
	w.mustStart(t)
	pid := w.status(t).PID
	marker := "marker-" + filepath.Base(w.Dir)
	w.containerfile(t, `RUN ["/init", "hang", "`+marker+`"]`)
	cmd := w.clientCommand(t)
	log := watchFor("hanging")
	cmd.Stdout = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log.await(t)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the error is that it was killed
	w.awaitNothingLeft(t, marker)
	if now := w.status(t).PID; now != pid {
		t.Errorf("another engine runs: %d, not %d", now, pid)
	}
}

// mustStart starts the world's engine.
func (w world) mustStart(t *testing.T) {
	t.Helper()
	w.containerfile(t, `COPY input /input`)
	w.mustBuild(t)
}

func TestClientsAtOnceShareAnEngine(t *testing.T) {
	w := newWorld(t)
	w.containerfile(t, `RUN ["/init", "write", "/etc/made", "x"]`)
	var clients []*exec.Cmd
	for range 4 {
		cmd := w.clientCommand(t) // writes a file that clients read
		cmd.Stdout = &bytes.Buffer{}
		clients = append(clients, cmd)
	}
	for _, cmd := range clients {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	for _, cmd := range clients {
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v:\n%s", err, cmd.Stdout)
		}
	}
	if outer := processes("cmdline", "--root\x00"+w.config().Root); len(outer) != 1 {
		t.Errorf("engines: %v", outer)
	}
}

// engine returns a command that starts the world's engine.
func (w world) engine(args ...string) *exec.Cmd {
	args = append([]string{"serve", "--root", w.config().Root, "--socket", w.config().Socket}, args...)
	return exec.Command(w.Program, args...)
}

func TestSecondEngineIsRefused(t *testing.T) {
	w := newWorld(t)
	w.mustStart(t)
	cmd := w.engine()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 75 {
		t.Errorf("ended with %v, want status 75", err)
	}
	want := "bkt: error: " + w.config().Root + ": in use by another engine (pid " + strconv.Itoa(w.status(t).PID) + ")\n"
	if diff := cmp.Diff(want, stderr.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestIdleEngineEnds(t *testing.T) {
	w := newWorld(t)
	cmd := w.engine("--idle", "200ms")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	if err := result(t, done); err != nil {
		t.Error(err)
	}
	for _, file := range []string{w.config().Socket, filepath.Join(w.config().Root, "engine.json")} {
		if _, err := os.Stat(file); !os.IsNotExist(err) {
			t.Errorf("%s: %v, want it gone", file, err)
		}
	}
}

func TestEngineEndsWhenItsSocketIsRemoved(t *testing.T) {
	w := newWorld(t)
	w.mustStart(t)
	before := w.status(t).PID
	if err := os.Remove(w.config().Socket); err != nil {
		t.Fatal(err)
	}
	w.mustBuild(t)
	if after := w.status(t).PID; after == before {
		t.Errorf("the engine without a socket, pid %d, is still there", after)
	}
}

func TestBusyEngineDoesNotEnd(t *testing.T) {
	w := newWorld(t)
	cfg := w.config()
	cfg.Idle = 100 * time.Millisecond
	w.containerfile(t, `RUN ["/init", "hang"]`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	log := watchFor("hanging")
	done := make(chan error, 1)
	go func() {
		_, err := buildkit.Builder{Config: cfg, Progress: "plain"}.Build(ctx, w.spec(), filepath.Join(w.Dir, "out"), log)
		done <- err
	}()
	log.await(t)
	select {
	case err := <-done:
		t.Errorf("the build ended with %v before it was cancelled", err)
	case <-time.After(10 * cfg.Idle): // only time can show that it does not end
	}
	cancel()
	if err := result(t, done); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

// TestEnginesThatComeAndGo builds while engines end all the time: a build that starts
// while an engine ends must succeed.
func TestEnginesThatComeAndGo(t *testing.T) {
	w := newWorld(t)
	w.containerfile(t, `COPY input /input`)
	b := buildkit.Builder{Config: w.config(), Progress: "quiet"}
	b.Config.Idle = time.Millisecond
	for i := range 15 {
		if _, err := b.Build(t.Context(), w.spec(), filepath.Join(w.Dir, "out"), &bytes.Buffer{}); err != nil {
			t.Fatalf("build %d: %v", i, err)
		}
	}
}

// TestFolderOfWhoeverStartedTheEngineIsGone checks that the engine does not depend on
// the temporary folder of another command.
func TestFolderOfWhoeverStartedTheEngineIsGone(t *testing.T) {
	w := newWorld(t)
	temp := filepath.Join(w.Dir, "temp")
	if err := os.Mkdir(temp, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", temp)
	w.mustStart(t)
	if err := os.RemoveAll(temp); err != nil {
		t.Fatal(err)
	}
	w.containerfile(t, `RUN ["/init", "write", "/etc/made", "x"]`)
	w.mustBuild(t)
}

func TestEngineOfAnotherVersion(t *testing.T) {
	w := newWorld(t)
	w.mustStart(t)
	before := w.status(t)
	b := buildkit.Builder{Config: w.config(), Progress: "quiet"}
	b.Config.Version = before.Version
	out := filepath.Join(w.Dir, "another")
	if _, err := b.Build(t.Context(), w.spec(), out, &bytes.Buffer{}); err != nil || w.status(t).PID != before.PID {
		t.Errorf("of the same version: %v, process %d, not %d", err, w.status(t).PID, before.PID)
	}
	b.Config.Version = "v0.0.1"
	if _, err := b.Build(t.Context(), w.spec(), out, &bytes.Buffer{}); err != nil || w.status(t).PID == before.PID {
		t.Errorf("of another version: %v, still process %d", err, before.PID)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, done := w.hang(t, ctx)
	_, err := b.Build(t.Context(), w.spec(), out, &bytes.Buffer{})
	want := "the engine is busy, and has another version of bkt: " + before.Version + ", not v0.0.1"
	if err == nil || err.Error() != want || len(hint.Of(err)) == 0 {
		t.Errorf("error is %v, want %s", err, want)
	}
	cancel()
	if err := result(t, done); !errors.Is(err, context.Canceled) {
		t.Errorf("the other build ended with %v", err)
	}
}

func TestStop(t *testing.T) {
	w := newWorld(t)
	if stopped, err := engineclient.Stop(t.Context(), w.config()); stopped || err != nil {
		t.Errorf("without an engine: %v, %v", stopped, err)
	}
	marker, done := w.hang(t, t.Context())
	stopped, err := engineclient.Stop(t.Context(), w.config())
	if !stopped || err != nil {
		t.Errorf("with an engine: %v, %v", stopped, err)
	}
	if err := result(t, done); err == nil {
		t.Error("the build went well")
	}
	w.awaitNothingLeft(t, marker)
	if e := w.status(t); e.Running {
		t.Errorf("it still runs: %+v", e)
	}
}

func TestStatusAndPrune(t *testing.T) {
	w := newWorld(t)
	w.mustStart(t)
	e := w.status(t)
	// The computer's clock may be set in the meantime.
	if age := time.Since(e.Since).Abs(); !e.Running || e.Disk.Size == 0 || e.Version == "" || age > time.Hour {
		t.Errorf("status: %+v", e)
	}
	eventually(t, "no build uses the cache", func() bool { return w.status(t).Disk.InUse == 0 })
	freed, _, err := engineclient.Prune(t.Context(), w.config(), true)
	if err != nil || freed == 0 {
		t.Errorf("freed %d bytes, %v", freed, err)
	}
	if after := w.status(t).Disk.Size; after >= e.Disk.Size {
		t.Errorf("size was %d and is %d", e.Disk.Size, after)
	}
}

// TestProgramThatIsNoEngine checks that the error has the program's own message.
func TestProgramThatIsNoEngine(t *testing.T) {
	w := newWorld(t)
	w.containerfile(t, `COPY input /input`)
	w.Program = filepath.Join(w.Dir, "engine")
	if err := os.WriteFile(w.Program, []byte("#!/bin/sh\necho unknown flag --socket >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := w.build(t.Context(), &bytes.Buffer{})
	if want := "starting the engine: it ended without a report: unknown flag --socket"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

// TestEngineOfAnotherRoot checks that a client does not use an engine that has another
// root.
func TestEngineOfAnotherRoot(t *testing.T) {
	w := newWorld(t)
	w.mustStart(t)
	cfg := w.config()
	cfg.Root = filepath.Join(w.Dir, "another")
	e, err := engineclient.Status(t.Context(), cfg)
	if err != nil || e.Running {
		t.Errorf("status: %+v, %v", e, err)
	}
	b := buildkit.Builder{Config: cfg, Progress: "quiet"}
	_, err = b.Build(t.Context(), w.spec(), filepath.Join(w.Dir, "out"), &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "in use by another program") {
		t.Errorf("build: %v", err)
	}
}

func TestMissingRuntime(t *testing.T) {
	w := newWorld(t)
	w.containerfile(t, `COPY input /input`)
	t.Setenv("PATH", t.TempDir())
	_, err := w.build(t.Context(), &bytes.Buffer{})
	want := "starting the engine: no program to run containers: neither runc nor crun is installed"
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	if hints := strings.Join(hint.Of(err), "\n"); !strings.Contains(hints, "apt install runc") || !strings.Contains(hints, "dnf install") {
		t.Errorf("hints: %s", hints)
	}
}

func TestOldRuntime(t *testing.T) {
	w := newWorld(t)
	w.containerfile(t, `COPY input /input`)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "crun"), []byte("#!/bin/sh\necho crun version 1.8.1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	_, err := w.build(t.Context(), &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "version 1.8.1 is too old (1.15 is needed)") {
		t.Errorf("error is %v", err)
	}
}
