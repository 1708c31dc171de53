package host

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
)

// Draft makes a draft in dir that has its name already, as it does for a moment
// before it is put in its place, and returns its path and what ends it.
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
	return d.name, d.cleanup
}

// DraftWithAName makes a draft as on a file system that knows no files without a
// name, and returns its path and what puts it in its place, which is path.
func DraftWithAName(t *testing.T, path string) (name string, put func() error) {
	t.Helper()
	d := &draft{path: path}
	if err := d.openNamed(0o600); err != nil {
		t.Fatal(err)
	}
	_, err := d.Write([]byte("draft"))
	if err != nil {
		t.Fatal(err)
	}
	return d.name, d.put
}

// Abandon makes a draft in dir that was abandoned at that moment, by a process
// that was killed, and returns its path.
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
	return d.name
}

// RunGit runs any command of git in dir, as its owner.
func RunGit(ctx context.Context, dir string, args ...string) error {
	_, err := git(ctx, dir, nil, nil, args...)
	return err
}

// What edits and expectations come to.
var (
	EditedLists = editedLists
	Meets       = checkExpectation
)
