package engineclient_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/engineclient"
	"bkt/internal/hint"
)

func TestDefaults(t *testing.T) {
	tests := []struct {
		name         string
		env          map[string]string
		uid          int
		root, socket string
	}{
		{"a user", map[string]string{"HOME": "/home/u", "XDG_RUNTIME_DIR": "/run/user/1000"}, 1000,
			"/home/u/.local/share/bkt/engine", "/run/user/1000/bkt/engine.sock"},
		{"a user without a runtime folder", map[string]string{"HOME": "/home/u"}, 1000,
			"/home/u/.local/share/bkt/engine", "/home/u/.local/share/bkt/engine/engine.sock"},
		{"a user with a data folder", map[string]string{"HOME": "/home/u", "XDG_DATA_HOME": "/data"}, 1000,
			"/data/bkt/engine", "/data/bkt/engine/engine.sock"},
		{"a relative folder does not count", map[string]string{"HOME": "/home/u", "XDG_DATA_HOME": "data"}, 1000,
			"/home/u/.local/share/bkt/engine", "/home/u/.local/share/bkt/engine/engine.sock"},
		{"root", map[string]string{"HOME": "/root"}, 0, "/var/lib/bkt/engine", "/run/bkt/engine.sock"},
		{"root with folders", map[string]string{"XDG_DATA_HOME": "/data", "XDG_RUNTIME_DIR": "/run/user/0"}, 0,
			"/data/bkt/engine", "/run/user/0/bkt/engine.sock"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root, socket, err := engineclient.Defaults(func(name string) string { return tt.env[name] }, tt.uid)
			if err != nil || root != tt.root || socket != tt.socket {
				t.Errorf("%s, %s, %v; want %s, %s", root, socket, err, tt.root, tt.socket)
			}
		})
	}
}

func TestDefaultsWithoutFolder(t *testing.T) {
	if _, _, err := engineclient.Defaults(func(string) string { return "" }, 1000); err == nil {
		t.Error("no error without HOME")
	}
	long := "/" + strings.Repeat("x", 100)
	_, _, err := engineclient.Defaults(func(string) string { return long }, 1000)
	if err == nil || !strings.Contains(err.Error(), "too long for a socket") || len(hint.Of(err)) == 0 {
		t.Errorf("error is %v", err)
	}
}

func TestFindEngine(t *testing.T) {
	dir := t.TempDir()
	put := func(names ...string) string {
		name := filepath.Join(append([]string{dir}, names...)...)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return name
	}
	bkt := put("bin", "bkt")
	t.Setenv("PATH", filepath.Join(dir, "path"))
	if found, err := engineclient.FindEngine(bkt); err == nil || len(hint.Of(err)) == 0 {
		t.Errorf("found %s, %v where there is none", found, err)
	}
	// From the last place to the first.
	for _, place := range [][]string{{"libexec", "bkt", "bkt-engine"}, {"path", "bkt-engine"}, {"bin", "bkt-engine"}} {
		want := put(place...)
		if found, err := engineclient.FindEngine(bkt); err != nil || found != want {
			t.Errorf("found %s, %v; want %s", found, err, want)
		}
	}
}
