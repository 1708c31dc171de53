package interrupt

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	never = time.Hour
	// hang is after how long a test fails that would wait for ever.
	hang = 2 * time.Minute
)

// raise sends a signal to the test until ended is closed, which must happen.
func raise(t *testing.T, s syscall.Signal, ended <-chan struct{}) {
	t.Helper()
	tick := time.NewTicker(2 * burst)
	defer tick.Stop()
	for late := time.After(hang); ; {
		if err := syscall.Kill(os.Getpid(), s); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ended:
			return
		case <-tick.C:
		case <-late:
			t.Fatalf("%v has no effect", s)
		}
	}
}

func TestFirstSignalEndsTheContext(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		ctx, stop := notify(grace{never, never}, func() {})
		raise(t, s, ctx.Done())
		if !errors.Is(ctx.Err(), context.Canceled) {
			t.Errorf("%v: %v", s, ctx.Err())
		}
		stop()
	}
}

// TestBlockedProgramEnds checks that a program that does not call stop ends after its time,
// and at a second Ctrl-C even before.
func TestBlockedProgramEnds(t *testing.T) {
	tests := []struct {
		name   string
		grace  grace
		signal syscall.Signal
		undoes bool
	}{
		{"SIGTERM", grace{0, never}, syscall.SIGTERM, false},
		{"SIGTERM while it undoes", grace{0, 0}, syscall.SIGTERM, true},
		{"Ctrl-C", grace{0, never}, syscall.SIGINT, false},
		{"Ctrl-C twice", grace{never, never}, syscall.SIGINT, false},
		{"Ctrl-C twice while it undoes", grace{never, never}, syscall.SIGINT, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ended := make(chan struct{})
			ctx, stop := notify(tt.grace, func() { close(ended) })
			defer stop()
			if tt.undoes {
				undo, done := Undoing(ctx)
				defer done()
				defer func() {
					if undo.Err() != nil {
						t.Error("the signal ends the context for undoing")
					}
				}()
			}
			raise(t, tt.signal, ended)
		})
	}
}

// TestUndoing checks that a program has more time while it undoes something.
func TestUndoing(t *testing.T) {
	e := &end{grace: grace{usual: 1, undoing: 10}}
	ctx := context.WithValue(t.Context(), endKey{}, e)
	_, done := Undoing(ctx)
	if e.mustEnd(5) || !e.mustEnd(11) {
		t.Error("while it undoes, it has another time than 10")
	}
	done()
	if e.mustEnd(1) || !e.mustEnd(5) {
		t.Error("otherwise, it has another time than 1")
	}
}

// TestChildrenEnd checks that of the programs that another one has started only those with
// a session of their own are left.
func TestChildrenEnd(t *testing.T) {
	_, stop := notify(grace{never, never}, func() {})
	defer stop()
	apart := exec.Command("sleep", "1000")
	apart.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd := exec.Command("sh", "-c", `trap '' TERM; sleep 1000 & echo $!; wait; sleep 1000`)
	out, err := cmd.StdoutPipe()
	if err := errors.Join(err, apart.Start(), cmd.Start()); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = apart.Process.Kill(), apart.Wait() }()
	if _, err := out.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if children := below(os.Getpid()); len(children) != 2 {
		t.Errorf("children: %v, want the shell and what it runs", children)
	}
	e := &end{}
	e.begin()
	e.awaitChildren()
	if left := below(os.Getpid()); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("%v, not killed", err)
	}
	if err := syscall.Kill(apart.Process.Pid, 0); err != nil {
		t.Errorf("the one with a session of its own: %v", err)
	}
}
