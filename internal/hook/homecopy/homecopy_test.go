package homecopy

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tonistiigi/fsutil"
)

// write creates the files of a home, and links, which are written as NAME -> TARGET.
func write(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, text := range files {
		name, target, isLink := strings.Cut(text, " -> ")
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		err := error(nil)
		if isLink {
			err = os.Symlink(target, path)
		} else {
			err = os.WriteFile(path, []byte(name), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestPlaces checks that a copy knows all names of its home.
func TestPlaces(t *testing.T) {
	dir := write(t, "home/file", "link -> home")
	for name, want := range map[string][]string{
		"home": {filepath.Join(dir, "home")}, "link": {filepath.Join(dir, "link"), filepath.Join(dir, "home")},
	} {
		c, err := New(filepath.Join(dir, name), nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, c.Places); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// sent returns the files that BuildKit sends of a copy.
func sent(t *testing.T, c Copy) []string {
	t.Helper()
	dir, err := fsutil.NewFS(c.Dir)
	if err != nil {
		t.Fatal(err)
	}
	filtered, err := fsutil.NewFilterFS(dir, &fsutil.FilterOpt{ExcludePatterns: c.Patterns()})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	err = filtered.Walk(context.Background(), "", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			all = append(all, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestNew(t *testing.T) {
	home := []string{
		".ssh/id_ed25519", ".ssh/config", ".netrc", ".bash_history", ".cargo/credentials.toml", ".cargo/config.toml",
		".config/gh/hosts.yml", ".config/git/config", ".config/git/credentials", ".cache/pip/x", ".bashrc", "src/.ssh/test-key", "src/.netrc",
	}
	plain := []string{".bashrc", ".cargo/config.toml", ".config/git/config", "src/.netrc", "src/.ssh/test-key"}
	lacks := []string{".bash_history", ".cache", ".cargo/credentials.toml", ".config/gh", ".config/git/credentials", ".netrc", ".ssh"}
	tests := []struct {
		name    string
		home    []string
		with    []string
		sent    []string
		leftOut []string
	}{
		{"a home", home, nil, plain, lacks},
		{"a file of a folder", home, []string{".ssh/config"}, append([]string{".ssh/config"}, plain...), lacks},
		{"a folder", home, []string{"~/.ssh/"}, append([]string{".ssh/config", ".ssh/id_ed25519"}, plain...), lacks[:len(lacks)-1]},
		{"something that is copied anyway", home, []string{"src"}, plain, lacks},
		{"nothing private", []string{".bashrc"}, nil, []string{".bashrc"}, nil},
		{"a private folder that is a link", []string{"dot/ssh/id", "dot/x", ".ssh -> dot/ssh"}, nil, []string{"dot/x"}, []string{".ssh", "dot/ssh"}},
		{"a link above a private folder", []string{"dot/gh/hosts.yml", "dot/x", ".config -> dot"}, nil, []string{".config", "dot/x"}, []string{".config/gh", "dot/gh"}},
		{"the same, with an exception", []string{"dot/gh/hosts.yml", "dot/x", ".config -> dot"}, []string{".config/gh"}, []string{".config", "dot/gh/hosts.yml", "dot/x"}, nil},
		{"links to nowhere and out of the home", []string{".netrc -> nowhere", ".ssh -> /usr", "x"}, nil, []string{"x"}, []string{".netrc", ".ssh"}},
		{"a file instead of a folder", []string{".config", "x"}, nil, []string{".config", "x"}, nil},
		{"odd names", []string{"a[1]*/id", "a1/id", ".ssh -> a[1]*"}, nil, []string{"a1/id"}, []string{".ssh", "a[1]*"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := New(write(t, tt.home...), tt.with)
			if err != nil {
				t.Fatal(err)
			}
			got := sent(t, c)
			slices.Sort(got)
			slices.Sort(tt.sent)
			if diff := cmp.Diff(tt.sent, got); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
			if !slices.Equal(c.LeftOut, tt.leftOut) {
				t.Errorf("left out: %q, not %q", c.LeftOut, tt.leftOut)
			}
		})
	}
}

// TestNewAbsolute checks paths that a shell has completed, also those of a home that is
// named by a link.
func TestNewAbsolute(t *testing.T) {
	dir := write(t, ".ssh/config", ".netrc")
	link := filepath.Join(t.TempDir(), "home")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, with := range []string{filepath.Join(dir, ".ssh"), filepath.Join(link, ".ssh")} {
		c, err := New(link, []string{with})
		if err != nil || !slices.Equal(c.LeftOut, []string{".netrc"}) {
			t.Errorf("%s: %q, %v", with, c.LeftOut, err)
		}
	}
}

func TestNewErrors(t *testing.T) {
	dir := write(t, ".ssh/config")
	for with, want := range map[string]string{
		".netrc":      "--old-home-with: " + dir + "/.netrc: no such file or directory",
		".":           `--old-home-with: "." is not a path in ` + dir,
		"":            `--old-home-with: "" is not a path in ` + dir,
		"../x":        `--old-home-with: "../x" is not a path in ` + dir,
		"/etc/passwd": `--old-home-with: "/etc/passwd" is not a path in ` + dir,
	} {
		if _, err := New(dir, []string{with}); err == nil || err.Error() != want {
			t.Errorf("%q: %v", with, err)
		}
	}
	if _, err := New(filepath.Join(dir, "missing"), nil); err == nil {
		t.Error("no error for a missing home")
	}
}

func TestLacks(t *testing.T) {
	c, err := New(write(t, ".ssh/config", ".ssh/id", ".cache/x", ".netrc", ".bashrc"), []string{".ssh/config"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		".ssh/id": true, ".ssh": true, ".netrc": true,
		".ssh/config": false, ".bashrc": false, ".ssh/known_hosts": false, ".aws": false, ".netrcs": false, ".cache/x": false,
	} {
		if got := c.Lacks(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := c.Named("test -e ~/.netrc || cp ~/.aws/x ~/.cache"); !slices.Equal(got, []string{".netrc"}) {
		t.Errorf("%q", got)
	}
}
