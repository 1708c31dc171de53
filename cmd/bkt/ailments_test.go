package main

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

// TestSocketOfAKilledEngine checks that what an engine leaves is found, and that
// of one that lives is not.
func TestSocketOfAKilledEngine(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", dir)
	t.Setenv("XDG_DATA_HOME", dir)
	cfg, err := ownEngine()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(cfg.Socket), 0o700); err != nil {
		t.Fatal(err)
	}
	if found, err := staleSocket(t.Context(), nil); len(found) != 0 || err != nil {
		t.Errorf("without a socket: %+v, %v", found, err)
	}
	l, err := net.Listen("unix", cfg.Socket)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := staleSocket(t.Context(), nil); len(found) != 0 || err != nil {
		t.Errorf("while another program listens there: %+v, %v", found, err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	found, err := staleSocket(t.Context(), nil)
	if err != nil || len(found) != 1 || len(found[0].mend) != 1 || found[0].mend[0].Targets[0] != cfg.Socket {
		t.Errorf("%+v", found)
	}
}

// TestWhatCannotBeLookedAtMayBeThere is about policies on signatures: one that cannot
// be looked at is not one that allows everything.
func TestWhatCannotBeLookedAtMayBeThere(t *testing.T) {
	dir := t.TempDir()
	for name, err := range map[string]error{
		"loop": os.Symlink("loop", filepath.Join(dir, "loop")),
		"file": os.WriteFile(filepath.Join(dir, "file"), nil, 0o600),
	} {
		if err != nil {
			t.Fatal(name, err)
		}
	}
	for path, want := range map[string]bool{"file": true, "loop/policy.json": true, "loop": true, "none": false, "none/policy.json": false, "file/policy.json": false} {
		if got := mayBeThere(filepath.Join(dir, path)); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
