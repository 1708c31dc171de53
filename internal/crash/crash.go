// Package crash turns a panic, which is a bug in bkt, into an error that says so.
//
// A panic that nobody recovers ends a Go program with status 2, which bkt uses for
// "changes pending", and prints a stack of functions.
package crash

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"strings"
	"sync"

	"bkt/internal/hint"
	"bkt/internal/version"
)

// An Error is a panic that was recovered.
type Error struct {
	Value  any             // what panic was called with
	Frames []runtime.Frame // of the goroutine that panicked, innermost first
}

// Error returns the message of the panic, and bkt's version.
func (e *Error) Error() string {
	return fmt.Sprintf("internal error: %v; this is a bug in bkt %s", e.Value, version.String())
}

// Stack returns all frames, two lines each.
func (e *Error) Stack() string {
	var out strings.Builder
	for _, f := range e.Frames {
		fmt.Fprintf(&out, "%s\n\t%s:%d\n", f.Function, f.File, f.Line)
	}
	return out.String()
}

// hintFrames is the number of frames in a hint.
const hintFrames = 6

// place returns the innermost frames in a line.
func (e *Error) place() string {
	var frames []string
	for _, f := range e.Frames[:min(hintFrames, len(e.Frames))] {
		dir, file := path.Split(f.File)
		frames = append(frames, fmt.Sprintf("%s (%s:%d)", path.Base(f.Function), path.Join(path.Base(dir), file), f.Line))
	}
	return strings.Join(frames, " < ")
}

// Recover recovers a panic of the function that defers it, and sets *err, the
// function's result, to an [Error] with a hint to report it.
func Recover(err *error) {
	if v := recover(); v != nil {
		*err = From(v)
	}
}

// From returns the error for a value that the caller, or its caller, has recovered. A
// value that is already such an error stays unchanged.
func From(v any) error {
	if err, ok := v.(error); ok {
		if _, known := errors.AsType[*Error](err); known {
			return err
		}
	}
	e := &Error{v, frames()}
	return hint.Add(e, "report it with the command that you ran and this location: %s", e.place())
}

// frames returns the frames of the code that panicked and of its callers.
func frames() []runtime.Frame {
	pcs := make([]uintptr, 64)
	left := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	var all []runtime.Frame
	panicking := false
	for {
		f, more := left.Next()
		internal := strings.HasPrefix(f.Function, "runtime.")
		switch {
		case !panicking: // the frames that recover come first
			panicking = f.Function == "runtime.gopanic"
		case len(all) > 0 || !internal: // then the runtime's own frames of the panic
			all = append(all, f)
		}
		if !more {
			return all
		}
	}
}

// A Group is a [sync.WaitGroup] for functions that may panic. The zero Group is ready
// to use.
type Group struct {
	wg   sync.WaitGroup
	once sync.Once
	err  error
}

// Go calls f in a goroutine of its own.
func (g *Group) Go(f func()) {
	g.wg.Go(func() {
		var err error
		defer func() {
			if err != nil {
				g.once.Do(func() { g.err = err })
			}
		}()
		defer Recover(&err)
		f()
	})
}

// Wait waits for all functions to return. If one has panicked, Wait panics with its
// [Error] in the goroutine that waits.
func (g *Group) Wait() {
	g.wg.Wait()
	if g.err != nil {
		panic(g.err)
	}
}
