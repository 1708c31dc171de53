package crash_test

import (
	"errors"
	"strings"
	"testing"

	"bkt/internal/crash"
	"bkt/internal/hint"
)

// breaks panics as a mistake in bkt would.
func breaks(list []int) int { return list[3] }

func recovered(f func()) (err error) {
	defer crash.Recover(&err)
	f()
	return nil
}

func TestRecover(t *testing.T) {
	var missing *struct{ x int }
	tests := []struct {
		name, what string
		f          func()
	}{
		{"index", "runtime error: index out of range [3] with length 2", func() { breaks(make([]int, 2)) }},
		{"nil", "runtime error: invalid memory address or nil pointer dereference", func() { missing.x++ }},
		{"text", "no rule of that name", func() { panic("no rule of that name") }},
		{"error", "broken", func() { panic(errors.New("broken")) }},
		{"in a goroutine", "in a goroutine", func() {
			var g crash.Group
			g.Go(func() { panic("in a goroutine") })
			g.Go(func() {})
			g.Wait()
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := recovered(tt.f)
			if err == nil || !strings.HasPrefix(err.Error(), "internal error: "+tt.what+"; this is a bug in bkt ") {
				t.Fatalf("error is %v", err)
			}
			hints := strings.Join(hint.Of(err), "\n")
			// The innermost frame is the code that panicked, not what recovered it.
			if !strings.Contains(hints, "this location: crash_test.") || !strings.Contains(hints, "crash_test.go:") {
				t.Errorf("hints are %q", hints)
			}
			e, ok := errors.AsType[*crash.Error](err)
			if !ok || !strings.Contains(e.Stack(), "crash_test.go:") {
				t.Errorf("%#v has no stack of the test", err)
			}
		})
	}
}

// TestNoPanic checks that functions that return give no error.
func TestNoPanic(t *testing.T) {
	ran := make([]bool, 4)
	err := recovered(func() {
		var g crash.Group
		for i := range ran {
			g.Go(func() { ran[i] = true })
		}
		g.Wait()
	})
	if err != nil {
		t.Error(err)
	}
	for i, ok := range ran {
		if !ok {
			t.Errorf("function %d did not run", i)
		}
	}
}
