package doctor

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"bkt/internal/pipeline"
)

// TestSocketOfKilledEngine checks that the socket of a killed engine is found, and
// that one that a program listens on is not.
func TestSocketOfKilledEngine(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", dir)
	t.Setenv("XDG_DATA_HOME", dir)
	engine, err := pipeline.OwnEngine()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(engine.Socket), 0o700); err != nil {
		t.Fatal(err)
	}
	if found, err := staleSocket(t.Context(), nil); len(found) != 0 || err != nil {
		t.Errorf("without a socket: %+v, %v", found, err)
	}
	l, err := net.Listen("unix", engine.Socket)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := staleSocket(t.Context(), nil); len(found) != 0 || err != nil {
		t.Errorf("while another program listens there: %+v, %v", found, err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	found, err := staleSocket(t.Context(), nil)
	if err != nil || len(found) != 1 || len(found[0].Plan) != 1 || found[0].Plan[0].Targets[0] != engine.Socket {
		t.Errorf("%+v, %v", found, err)
	}
}
