package engine

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"bkt/internal/engine/contract"
)

// TestLockRefusesForeignFolder checks that an engine accepts only a folder that is
// empty or that an engine has used: it removes files there.
func TestLockRefusesForeignFolder(t *testing.T) {
	tests := []struct {
		name  string
		files []string
		taken bool
	}{
		{"none", nil, true},
		{"of a client", []string{"start.lock", "start.log"}, true},
		{"of an engine", []string{"start.lock", filepath.Base(contract.LockFile("")), "tmp", "run", "executor"}, true},
		{"of someone else", []string{"tmp"}, false},
		{"of someone else, where a client has been", []string{"start.lock", "notes"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "root")
			for _, name := range tt.files {
				write(t, filepath.Join(root, name))
			}
			f, err := lock(root)
			if (err == nil) != tt.taken {
				t.Errorf("error %v", err)
			}
			if err == nil {
				f.Close()
			}
		})
	}
}

// TestVacateKeepsOtherFiles checks that only a socket that does not answer is
// removed.
func TestVacateKeepsOtherFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "engine.sock")
	write(t, path)
	if _, err := listen(path); err == nil {
		t.Error("a file is taken for a socket")
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	s, err := listen(path)
	if err != nil {
		t.Fatal(err)
	}
	s.remove()
	s.file.Close()
}

func write(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
}
