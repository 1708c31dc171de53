package hint_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"bkt/internal/hint"

	"github.com/google/go-cmp/cmp"
)

var errBase = errors.New("base")

func TestOf(t *testing.T) {
	a, b := hint.Add(errBase, "a"), hint.Add(errBase, "b")
	tests := []struct {
		name string
		err  error
		want []string
	}{
		{"no error", nil, nil},
		{"no hint", errBase, nil},
		{"one", a, []string{"a"}},
		{"formatted", hint.Add(errBase, "run %q %d times", "x", 2), []string{`run "x" 2 times`}},
		{"outermost first", hint.Add(hint.Add(a, "b"), "c"), []string{"c", "b", "a"}},
		{"wrapped", fmt.Errorf("opening: %w", fmt.Errorf("reading: %w", a)), []string{"a"}},
		{"around a wrapped one", hint.Add(fmt.Errorf("opening: %w", a), "b"), []string{"b", "a"}},
		{"joined, in order", errors.Join(b, errBase, a), []string{"b", "a"}},
		{"around joined ones", hint.Add(errors.Join(a, b), "c"), []string{"c", "a", "b"}},
		{"joined inside joined", errors.Join(errors.Join(a, hint.Add(b, "c")), hint.Add(errBase, "d")), []string{"a", "c", "b", "d"}},
		{"two wrapped at once", fmt.Errorf("%w and %w", b, a), []string{"b", "a"}},
		{"the same twice", errors.Join(a, b, hint.Add(errBase, "a"), hint.Add(b, "b")), []string{"a", "b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, hint.Of(tt.err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAddToNoErrorIsNone(t *testing.T) {
	if err := hint.Add(nil, "a"); err != nil {
		t.Errorf("%v", err)
	}
}

func TestAddLeavesTheErrorAsItIs(t *testing.T) {
	path := &fs.PathError{Op: "open", Path: "f", Err: fs.ErrNotExist}
	err := hint.Add(hint.Add(path, "a"), "b")
	if err.Error() != path.Error() {
		t.Errorf("text %q", err)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("is not fs.ErrNotExist")
	}
	if found, ok := errors.AsType[*fs.PathError](err); !ok || found != path {
		t.Errorf("as *fs.PathError: %v", found)
	}
}

func TestSplit(t *testing.T) {
	a, b := hint.Add(errBase, "a"), errors.New("b")
	got := hint.Split(errors.Join(errors.Join(a), b))
	if len(got) != 2 || got[0] != a || got[1] != b || hint.Split(nil) != nil {
		t.Errorf("got %v", got)
	}
}

func TestPrefix(t *testing.T) {
	a, b := hint.Add(errors.New("a"), "do it"), errors.New("b")
	err := hint.Prefix("f", errors.Join(errors.Join(a), b))
	if got := hint.Split(err); len(got) != 2 || got[0].Error() != "f: a" || got[1].Error() != "f: b" || !errors.Is(got[0], a) || len(hint.Of(got[0])) != 1 {
		t.Errorf("got %v", got)
	}
	if err := hint.Prefix("f", nil); err != nil {
		t.Errorf("of no error: %v", err)
	}
}
