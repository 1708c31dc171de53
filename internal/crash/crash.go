// Package crash turns a panic, which is a bug in bkt, into an error that says
// so.
//
// A panic that nobody recovers ends a Go program with status 2, which is bkt's
// for "something would change", and whoever ran it sees a stack of functions.
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

// Error returns what happened, and in which version.
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

// shown is how many frames a hint has.
const shown = 6

// place returns the innermost frames in a few words.
func (e *Error) place() string {
	var frames []string
	for _, f := range e.Frames[:min(shown, len(e.Frames))] {
		dir, file := path.Split(f.File)
		frames = append(frames, fmt.Sprintf("%s (%s:%d)", path.Base(f.Function), path.Join(path.Base(dir), file), f.Line))
	}
	return strings.Join(frames, " < ")
}

// Recover makes an [Error] of a panic of the function that defers it, and puts
// it into *err, the function's result, with a hint to report it.
func Recover(err *error) {
	if v := recover(); v != nil {
		*err = From(v)
	}
}

// From returns the error for a value that was recovered in the calling function
// or in the one that called it. A value that is such an error stays as it is.
func From(v any) error {
	if err, ok := v.(error); ok {
		if _, known := errors.AsType[*Error](err); known {
			return err
		}
	}
	e := &Error{v, frames()}
	return hint.Add(e, "report it with what you ran, and with where it was: %s", e.place())
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
		case !panicking: // what recovers comes first
			panicking = f.Function == "runtime.gopanic"
		case len(all) > 0 || !internal: // then the runtime's own way to a panic
			all = append(all, f)
		}
		if !more {
			return all
		}
	}
}

// A Group is a [sync.WaitGroup] for functions that may panic. The zero Group can
// be used.
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

// Wait waits for all functions to return. If one has panicked, it panics with the
// [Error] of that, so that whoever waits deals with it.
func (g *Group) Wait() {
	g.wg.Wait()
	if g.err != nil {
		panic(g.err)
	}
}
