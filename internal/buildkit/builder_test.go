package buildkit_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/buildkit"
	"bkt/internal/engine/contract"
	"bkt/internal/flock"
)

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestOutputMustNotHoldOtherThings(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "context", "Containerfile"), "FROM scratch\n")
	write(t, filepath.Join(dir, "home", "letter"), "precious")
	s := buildkit.Spec{Containerfile: "Containerfile", Context: filepath.Join(dir, "context")}
	_, err := buildkit.Builder{}.Build(t.Context(), s, filepath.Join(dir, "home"), os.Stderr)
	if err == nil || !strings.Contains(err.Error(), "neither empty nor an OCI layout: it holds letter") {
		t.Errorf("error is %v", err)
	}
	_, err = buildkit.Builder{}.Build(t.Context(), s, s.Context, os.Stderr)
	if err == nil || !strings.Contains(err.Error(), "cannot hold the image too") {
		t.Errorf("error is %v", err)
	}
}

func TestEngineThatIsNotThere(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "context", "Containerfile"), "FROM scratch\n")
	s := buildkit.Spec{Containerfile: "Containerfile", Context: filepath.Join(dir, "context")}
	b := buildkit.Builder{Config: buildkit.Config{Address: "unix://" + filepath.Join(dir, "sock")}}
	_, err := b.Build(t.Context(), s, filepath.Join(dir, "out"), os.Stderr)
	want := "engine " + b.Config.Address + ": dial unix " + filepath.Join(dir, "sock") + ": connect: no such file or directory"
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

// TestSocketOfAnotherProgram checks that what listens where an engine says that
// it does is asked only if it is that engine.
func TestSocketOfAnotherProgram(t *testing.T) {
	root := t.TempDir()
	socket := filepath.Join(root, "sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	write(t, contract.StateFile(root), fmt.Sprintf(`{"pid":1,"socket":%q}`, socket))
	write(t, contract.LockFile(root), "1")
	lock, err := flock.TryLock(contract.LockFile(root), os.O_RDONLY, flock.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	_, err = buildkit.Status(t.Context(), buildkit.Config{Root: root, Socket: socket})
	want := fmt.Sprintf("process %d listens there, not the engine, process 1", os.Getpid())
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want %s", err, want)
	}
}
