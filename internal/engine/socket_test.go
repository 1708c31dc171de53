package engine

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestVacate checks that a socket is removed only if nobody listens, and not if
// that is unknown.
func TestVacate(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: at("stale")})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	used, err := net.Listen("unix", at("used"))
	if err != nil {
		t.Fatal(err)
	}
	defer used.Close()
	listenBusily(t, at("busy"))
	if err := os.WriteFile(at("file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop", at("loop")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"none": true, "stale": true, "used": false, "busy": false, "file": false, "loop": false} {
		err := vacate(at(name))
		_, errStat := os.Lstat(at(name))
		if vacated := err == nil && os.IsNotExist(errStat); vacated != want || !want && errStat != nil {
			t.Errorf("%s: %v, %v", name, err, errStat)
		}
	}
}

// listenBusily listens with a full queue, so that no one else can connect.
func listenBusily(t *testing.T, path string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: path}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	for {
		c, err := net.Dial("unix", path)
		if err != nil {
			return
		}
		t.Cleanup(func() { c.Close() })
	}
}
