// Package interrupt ends a program that a signal asks to end: through its context or, if
// that takes too long, by force, together with the programs that it has started.
package interrupt

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A grace says how long a program and its children may take to end after the first signal.
type grace struct {
	usual   time.Duration
	undoing time.Duration // while it undoes what it has half done
}

var usual = grace{usual: 900 * time.Millisecond, undoing: 10 * time.Second}

// burst is how long one request to end may last: timeout(1) sends its signal twice, to the
// program and to its process group.
const burst = 50 * time.Millisecond

// Notify returns a context that ends at the first SIGINT or SIGTERM. The program calls stop
// before it exits; stop waits for the programs that this one has started to end, too, and
// then kills them. If the program has not called stop 0.9 seconds after the signal, or at a
// second SIGINT, Notify kills them at once, and calls exit, which has to end this one. So a
// reader or a computation that does not look at the context ends, too. Files are replaced in
// one step: none is left half written.
func Notify(exit func()) (ctx context.Context, stop func()) { return notify(usual, exit) }

func notify(p grace, exit func()) (ctx context.Context, stop func()) {
	e := &end{grace: p}
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), endKey{}, e))
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
		case <-ctx.Done(): // stop
			return
		}
		e.begin()
		cancel()
		if e.await(signals) {
			killAll(os.Getpid())
			if !e.stopped.Load() {
				exit()
			}
		}
	}()
	return ctx, func() {
		e.stopped.Store(true)
		cancel()
		e.awaitChildren()
	}
}

// An end is how far the end of a program is.
type end struct {
	grace
	first   atomic.Pointer[time.Time] // when the first signal came; nil: none
	undoers atomic.Int32              // how many undo something
	stopped atomic.Bool               // the program ends by itself
}

type endKey struct{}

// begin notes the first signal. From then on, the children of programs that end become
// children of this one.
func (e *end) begin() {
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	e.first.Store(new(time.Now()))
}

// await waits until the program has to end at once, and reports true. It reports false if
// the program ends by itself before.
func (e *end) await(signals <-chan os.Signal) bool {
	tick := time.NewTicker(burst)
	defer tick.Stop()
	for {
		select {
		case s := <-signals:
			if s == os.Interrupt && e.waited() > burst {
				return true
			}
		case <-tick.C:
			if e.mustEnd(e.waited()) {
				return !e.stopped.Load()
			}
		}
	}
}

// mustEnd reports whether a program has had its time.
func (e *end) mustEnd(waited time.Duration) bool {
	return waited > e.undoing || waited > e.usual && e.undoers.Load() == 0
}

// waited returns the time since the first signal, 0 before it.
func (e *end) waited() time.Duration {
	if first := e.first.Load(); first != nil {
		return time.Since(*first)
	}
	return 0
}

// awaitChildren waits after a signal until all programs that this one has started have
// ended. It kills those that take too long.
func (e *end) awaitChildren() {
	if e.first.Load() == nil {
		return
	}
	for len(below(os.Getpid())) > 0 {
		if e.waited() > e.usual {
			killAll(os.Getpid())
			return
		}
		time.Sleep(burst / 5)
	}
}

// Undoing returns a context that a signal does not end, for undoing what is half done. Until
// done is called, the program has ten seconds to end after a signal. A second SIGINT ends
// it at once in any case.
func Undoing(ctx context.Context) (undo context.Context, done func()) {
	undo = context.WithoutCancel(ctx)
	e, ok := ctx.Value(endKey{}).(*end)
	if !ok {
		return undo, func() {}
	}
	e.undoers.Add(1)
	return undo, func() { e.undoers.Add(-1) }
}
