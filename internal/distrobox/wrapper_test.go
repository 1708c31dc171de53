package distrobox

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOriginal checks that what a wrapper runs in its box is told, whichever
// program has written it.
func TestOriginal(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"1.4", "else\n\t/usr/bin/bc \"$@\"\nfi\n", "/usr/bin/bc"},
		{"1.8", "if [ -z \"${CONTAINER_ID}\" ]; then\n\texec \"/usr/bin/distrobox-enter\"  -n b  --  '/x/a b'  \"$@\"\nelif x; then\n\texec distrobox-host-exec '/h/a b' \"$@\"\nelse\n\texec '/x/a b' \"$@\"\nfi\n", "/x/a b"},
		{"with sudo", "else\n\texec sudo -S '/usr/sbin/x' \"$@\"\nfi\n", "/usr/sbin/x"},
		{"the image of the host", "elif [ \"$CONTAINER_ID\" != b ]; then\n\texec distrobox-host-exec /usr/bin/x \"$@\"\nfi\nexec /opt/x \"$@\"\n", "/opt/x"},
		{"no wrapper", "echo\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := original(strings.Split(tt.text, "\n")); got != tt.want {
				t.Errorf("%q, not %q", got, tt.want)
			}
		})
	}
}

// TestChangedPaths checks that folders above, and what distrobox writes, are no
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
			if diff := cmp.Diff(tt.want, changedPaths(tt.diff, []string{"/mine"})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestVariable checks that a variable has its value after distrobox's create, a
// shell script, has had its command line read once more.
func TestVariable(t *testing.T) {
	for _, value := range []string{"plain", "x  y   z    ", "it's  two   'three'", "  $HOME  `x` \"q\" \\ *  ", ""} {
		flag, err := variable("A", value)
		if err != nil {
			t.Fatal(err)
		}
		got, err := exec.Command("sh", "-c", `command="printf %s $1"; eval ${command}`, "sh", flag).Output()
		if diff := cmp.Diff("--env=A="+value, string(got)); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
}

// TestImageID checks what a name that is not written out stands for.
func TestImageID(t *testing.T) {
	m := images{"docker.io/library/alpine:latest": "a", "localhost/dev:1": "b", "ghcr.io/me/dev:1": "c", "ghcr.io/me/x@sha256:1": "d", "ghcr.io/me/y:1": "e", "quay.io/me/y:1": "f"}
	for name, want := range map[string]string{
		"alpine": "a", "alpine:latest": "a", "docker.io/library/alpine": "a", "docker://docker.io/library/alpine:latest": "a",
		"localhost/dev:1": "b", "dev:1": "b", "y:1": "", "me/dev:1": "c", "ghcr.io/me/x@sha256:1": "d", "pine": "", "alpine:3": "",
	} {
		if got := m.id(name); got != want {
			t.Errorf("%s: %q, not %q", name, got, want)
		}
	}
}

// TestEntryOfALabel checks that a box comes back from its label, and that no label
// of others is taken for one.
func TestEntryOfALabel(t *testing.T) {
	for _, label := range []string{"", "x", "e30", "bm9uc2Vuc2U"} {
		if b, ok := entryOf(label); ok {
			t.Errorf("%q: %v", label, b)
		}
	}
}
