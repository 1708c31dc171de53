package main

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"bkt/internal/live"
	"bkt/internal/pipeline"
	"bkt/internal/workspace"
)

// TestSocketOfAKilledEngine checks that what an engine leaves is found, and that
// of one that lives is not.
func TestSocketOfAKilledEngine(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", dir)
	t.Setenv("XDG_DATA_HOME", dir)
	cfg, err := pipeline.OwnEngine()
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

// TestUnitsThatCannotBeListed checks that auto-capture is not off, nor needed by no
// other repository, where it cannot be seen whether it is on.
func TestUnitsThatCannotBeListed(t *testing.T) {
	s := system{live.System{Workspace: workspace.Workspace{Folders: workspace.Folders{Config: t.TempDir()}}}}
	if links, err := s.autoLinks(); len(links) != 0 || err != nil {
		t.Errorf("without units: %v, %v", links, err)
	}
	if err := os.MkdirAll(s.userUnits(), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop", filepath.Join(s.userUnits(), "loop")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop", filepath.Join(s.userUnits(), "timers.target.wants")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.autoEnabled(); err == nil {
		t.Error("enabled or not: no error")
	}
	if p, err := s.stopping(t.Context()); err == nil || len(p) != 0 {
		t.Errorf("stopping: %v, %v", p, err)
	}
	if st := s.autoStatus(); st.Result != autoFailed || len(st.Problems) == 0 {
		t.Errorf("status: %+v", st)
	}
}
