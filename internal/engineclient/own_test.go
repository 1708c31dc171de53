package engineclient_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/engine/contract"
	"bkt/internal/engineclient"
	"bkt/internal/flock"
)

// TestSocketOfAnotherProgram checks that a program that listens at the socket of an
// engine is asked only if it is that engine.
func TestSocketOfAnotherProgram(t *testing.T) {
	root := t.TempDir()
	socket := filepath.Join(root, "sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	state := fmt.Sprintf(`{"pid":1,"socket":%q}`, socket)
	if err := errors.Join(os.WriteFile(contract.StateFile(root), []byte(state), 0o600), os.WriteFile(contract.LockFile(root), []byte("1"), 0o600)); err != nil {
		t.Fatal(err)
	}
	lock, err := flock.TryLock(contract.LockFile(root), os.O_RDONLY, flock.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	_, err = engineclient.Status(t.Context(), engineclient.Config{Root: root, Socket: socket})
	want := fmt.Sprintf("process %d listens there, not the engine, process 1", os.Getpid())
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want %s", err, want)
	}
}
