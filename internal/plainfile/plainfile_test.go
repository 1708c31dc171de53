package plainfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string) {
		if err := os.WriteFile(at(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("full", strings.Repeat("x", 2048))
	write("over", strings.Repeat("x", 2049))
	if err := unix.Mkfifo(at("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"zero": "/dev/zero", "null": "/dev/null", "proc": "/proc/self/status", "lost": "nowhere"} {
		if err := os.Symlink(target, at(name)); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name, want string // part of the error; "": none
	}{
		{"full", ""},
		{"over", "over: larger than 2 KiB, the limit"},
		{"pipe", "pipe: neither a file nor a folder"},
		{"zero", "zero: neither a file nor a folder"},
		{"proc", ""}, // its size is 0, and it has text
		{"null", ""},
		{"lost", "no such file"},
		{".", "is a directory"},
	}
	for _, tt := range tests {
		text, err := Read(at(tt.name), 2048)
		if tt.want == "" {
			if err != nil || (len(text) == 0) != (tt.name == "null") {
				t.Errorf("%s: %d bytes, %v", tt.name, len(text), err)
			}
			continue
		}
		if _, ok := errors.AsType[*fs.PathError](err); !ok || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
}
