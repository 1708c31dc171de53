package export

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestParseHostWrapper checks which scripts enter a container, and the container.
func TestParseHostWrapper(t *testing.T) {
	const exported = "#!/bin/sh\n# distrobox_binary\n# name: dev\n"
	tests := []struct {
		name, text string
		want       HostWrapper
		is         bool
	}{
		{"of distrobox-export", exported + "exec distrobox-enter -n dev -- /usr/bin/jq \"$@\"\n", HostWrapper{Container: "dev"}, true},
		{"of bkt", exported + "# exported by bkt: /usr/bin/jq\nexec distrobox-enter -n dev -- /usr/bin/jq \"$@\"\n", HostWrapper{Container: "dev", ByBkt: true}, true},
		{"of bkt, edited", exported + "# exported by bkt: /usr/bin/jq\nexec distrobox-enter -n dev -- /usr/bin/jq --mine \"$@\"\n", HostWrapper{Container: "dev"}, true},
		{"of root's container", exported + "exec distrobox-enter --root -n dev -- /usr/bin/jq \"$@\"\n", HostWrapper{Container: "dev", Root: true}, true},
		{"of root's container, in words of 1.4", exported + "command=\"/usr/bin/distrobox-enter -r -n dev -- \"\n", HostWrapper{Container: "dev", Root: true}, true},
		{"by hand", "#!/bin/sh\nexec distrobox enter dev -- jq -r \"$@\"\n", HostWrapper{}, true},
		{"that only mentions it", "#!/bin/sh\n# not distrobox-enter -n dev\necho\n", HostWrapper{}, false},
		{"no script", "exec distrobox-enter -n dev\n", HostWrapper{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Path = "/home/me/.local/bin/jq"
			got, is := parseHostWrapper(tt.want.Path, tt.text)
			if is != tt.is {
				t.Fatalf("a wrapper: %v", is)
			}
			if diff := cmp.Diff(tt.want, got); is && diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestWrappersThatCannotBeRead checks that an unreadable script is an error next to the other
// results, and that a missing folder is not an error.
func TestWrappersThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("#!/bin/sh\nexec distrobox enter dev -- a\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop", filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	all, unread, err := HostWrappers(dir)
	if len(all) != 1 || len(unread) != 0 || err != nil {
		t.Errorf("%v, %v, %v", all, unread, err)
	}
	if all, unread, err := HostWrappers(filepath.Join(dir, "missing")); len(all)+len(unread) != 0 || err != nil {
		t.Errorf("of a missing folder: %v, %v, %v", all, unread, err)
	}
	if _, _, err := HostWrappers(filepath.Join(dir, "loop")); err == nil {
		t.Error("no error of a folder that cannot be read")
	}
}
