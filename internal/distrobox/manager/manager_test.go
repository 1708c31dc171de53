package manager

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestChangedPaths checks that parent folders, and files of distrobox, do not count as
// losses.
func TestChangedPaths(t *testing.T) {
	tests := []struct {
		name, diff string
		want       []string
	}{
		{"nothing", "", nil},
		{"distrobox's own", "C /etc\nC /etc/passwd\nA /run/host\nC /usr\nC /usr/bin\nA /usr/bin/entrypoint\nA /mine\n", nil},
		{"dnf was asked", "C /usr/lib/sysimage/rpm\nA /usr/lib/sysimage/rpm/rpmdb.sqlite-shm\nC /usr/lib/sysimage/rpm/rpmdb.sqlite-wal\n", nil},
		{"dnf has written", "C /usr/lib/sysimage/rpm/rpmdb.sqlite\n", []string{"1 files elsewhere that were added, changed or removed"}},
		{"some", "C /etc\nC /etc/fstab\nC /etc/x\nA /etc/x/y\nC /opt\nA /opt/a\nD /opt/b\n", []string{"changes to /etc/fstab, /etc/x/y", "2 files elsewhere that were added, changed or removed"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, ChangedPaths(tt.diff, []string{"/mine"})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestImageID checks the ids of images with short names.
func TestImageID(t *testing.T) {
	m := Images{"docker.io/library/alpine:latest": "a", "localhost/dev:1": "b", "ghcr.io/me/dev:1": "c", "ghcr.io/me/x@sha256:1": "d", "ghcr.io/me/y:1": "e", "quay.io/me/y:1": "f"}
	for name, want := range map[string]string{
		"alpine": "a", "alpine:latest": "a", "docker.io/library/alpine": "a", "docker://docker.io/library/alpine:latest": "a",
		"localhost/dev:1": "b", "dev:1": "b", "y:1": "", "me/dev:1": "c", "ghcr.io/me/x@sha256:1": "d", "pine": "", "alpine:3": "",
	} {
		if got := m.ID(name); got != want {
			t.Errorf("%s: %q, not %q", name, got, want)
		}
	}
}

// TestIsCreated checks the script that verifies that a container was created, with a
// manager whose answers the test sets.
func TestIsCreated(t *testing.T) {
	bin := t.TempDir()
	const manager = `#!/bin/sh
case $1 in
image) test "$IMAGE" && echo "$IMAGE" ;;
*) test "$IS" && echo "$IS" ;;
esac`
	check(t, os.WriteFile(filepath.Join(bin, "manager"), []byte(manager), 0o755))
	for _, tt := range []struct{ is, image, want string }{
		{"dev x label", "x", ""},
		{"/dev x label", "x", ""},
		{"", "x", "container dev was not created"},
		{"devil x label", "x", "container dev was not created"},
		{"dev y label", "x", "container dev is not of the image localhost/x:1"},
		{"dev x other", "x", "container dev is another one, created before"},
		{"dev x <no value>", "x", "container dev is another one, created before"},
	} {
		cmd := exec.CommandContext(t.Context(), "sh", Manager{Program: filepath.Join(bin, "manager")}.IsCreated("dev", "localhost/x:1", "label")[1:]...)
		cmd.Env = append(os.Environ(), "IS="+tt.is, "IMAGE="+tt.image)
		out, err := cmd.CombinedOutput()
		if _, failed := errors.AsType[*exec.ExitError](err); strings.TrimSpace(string(out)) != tt.want || failed != (tt.want != "") {
			t.Errorf("%q: %v, %s", tt.is, err, out)
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
