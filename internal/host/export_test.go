package host

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"bkt/internal/plan"
)

// Draft creates a draft in dir with a name, as just before it is moved to its place, and
// returns its path and a function that removes it.
func Draft(t *testing.T, dir string) (path string, end func()) {
	t.Helper()
	d, err := newDraft(filepath.Join(dir, "f"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Write([]byte("draft"))
	if err := errors.Join(err, d.link()); err != nil {
		t.Fatal(err)
	}
	return d.tempPath(), d.cleanup
}

// DraftWithAName creates a draft as on a file system without O_TMPFILE. It returns its path
// and a function that moves it to path.
func DraftWithAName(t *testing.T, path string) (name string, put func() error) {
	t.Helper()
	dir, err := openFolder(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	d := &draft{spot: spot{dir, path}}
	if err := d.openNamed(0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Write([]byte("draft")); err != nil {
		t.Fatal(err)
	}
	return d.tempPath(), d.put
}

// Abandon creates a draft in dir, as left behind by a killed process, and returns its path.
func Abandon(t *testing.T, dir string) string {
	t.Helper()
	d, err := newDraft(filepath.Join(dir, "f"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Write([]byte("draft"))
	if err := errors.Join(err, d.link(), d.Close()); err != nil {
		t.Fatal(err)
	}
	return d.tempPath()
}

// tempPath returns the path of a draft that is not in its place.
func (d *draft) tempPath() string { return filepath.Join(filepath.Dir(d.path), d.temp) }

// RunGit runs any command of git in dir, as its owner.
func RunGit(ctx context.Context, dir string, args ...string) error {
	_, err := git(ctx, plan.Run{Argv: append([]string{"git"}, args...), Dir: dir})
	return err
}

// RunWithLimit runs a command of git in dir that may do nothing for as long as limit.
func RunWithLimit(ctx context.Context, limit time.Duration, dir string, argv ...string) error {
	var stderr bytes.Buffer
	cmd := command(ctx, plan.Run{Argv: argv, Dir: dir})
	cmd.Stderr = &stderr
	return stallLimit(limit).run(ctx, cmd, &stderr)
}

// WithTimeouts returns a context in which servers have these times.
func WithTimeouts(ctx context.Context, answer, piece time.Duration) context.Context {
	return context.WithValue(ctx, timeoutsKey{}, timeouts{answer, piece})
}

// Functions for edits and expectations.
var (
	EditedLists = editedLists
	Meets       = checkExpectation
)
