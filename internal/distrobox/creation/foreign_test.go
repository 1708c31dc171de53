package creation

import (
	"os"
	"path/filepath"
	"testing"

	"bkt/internal/distrobox/manager"
	"bkt/internal/manifest"

	"github.com/google/go-cmp/cmp"
)

// twoNames returns a creator with a home, and another name of the home.
func twoNames(t *testing.T) (c Creator, other string) {
	t.Helper()
	dir := t.TempDir()
	c = Creator{Home: filepath.Join(dir, "u"), UID: 1000}
	other = filepath.Join(dir, "other")
	if err := os.Mkdir(c.Home, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("u", other); err != nil {
		t.Fatal(err)
	}
	return c, other
}

// TestVolumesByOtherNamesOfTheHome has a home that a link leads to. A declaration by the
// other name keeps its words.
func TestVolumesByOtherNamesOfTheHome(t *testing.T) {
	c, other := twoNames(t)
	of := manager.Container{Inspected: true, Mounts: []manager.Mount{
		{Type: "bind", Source: other + "/a", Destination: "/a", RW: true}, {Type: "bind", Source: c.Home + "/b", Destination: "/b"},
		{Type: "bind", Source: other, Destination: "/c", RW: true},
	}}
	for _, declared := range [][]string{nil, {other + "/a:/a", "~/b:/b:ro", other + ":/c"}} {
		want := declared
		if want == nil {
			want = []string{"~/a:/a", "~/b:/b:ro", c.Home + ":/c"}
		}
		entry, _ := c.FromContainer(of, manifest.Container{Volume: declared}, false)
		got := entry.Volume
		less := cmp.Transformer("set", func(all []string) map[string]bool {
			set := map[string]bool{}
			for _, v := range all {
				set[v] = true
			}
			return set
		})
		if diff := cmp.Diff(want, got, less); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// TestVariablesByOtherNamesOfTheHome does the same for variables, as podman has recorded
// them.
func TestVariablesByOtherNamesOfTheHome(t *testing.T) {
	c, other := twoNames(t)
	of := manager.Container{Inspected: true, CreateCommand: []string{
		"podman", "create", "--env", "A=/x:" + other + "/a:" + c.Home, "--env", "B=in " + other, "--env", "C=${HOME}", "--entrypoint", "/usr/bin/entrypoint", "image",
	}}
	for _, declared := range []map[string]string{nil, {"A": "/x:" + other + "/a:~", "B": "in " + other, "C": "${HOME}"}} {
		want := declared
		if want == nil {
			want = map[string]string{"A": "/x:~/a:~", "B": "in " + other, "C": "${HOME}"}
		}
		got, out := c.FromContainer(of, manifest.Container{Env: declared}, false)
		if diff := cmp.Diff(want, got.Env); diff != "" {
			t.Errorf("%v (-want +got):\n%s", out, diff)
		}
	}
}
