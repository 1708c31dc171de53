package gsettings

import (
	"errors"
	"io/fs"
	"testing"

	"bkt/internal/hint"
)

// TestWithoutDatabase: only a damaged database is to be moved away.
func TestWithoutDatabase(t *testing.T) {
	for _, tt := range []struct {
		err   error
		hints int
	}{
		{errors.New("is broken"), 1},
		{&fs.PathError{Op: "open", Path: "user", Err: fs.ErrPermission}, 0},
	} {
		if hints := hint.Of(withoutDatabase(tt.err)); len(hints) != tt.hints {
			t.Errorf("%v: hints %q, want %d", tt.err, hints, tt.hints)
		}
	}
}
