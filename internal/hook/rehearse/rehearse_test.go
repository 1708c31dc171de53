package rehearse

import (
	"slices"
	"testing"
	"testing/fstest"

	"bkt/internal/buildkit"
	"bkt/internal/hook"
	"bkt/internal/hook/homecopy"
	"bkt/internal/manifest"
)

const declared = `{"containers": {
  "bootc-dev": {"image": "quay.io/me/dev", "pre_init_hooks": ["dnf upgrade -y"], "init_hooks": [
    {"run": "touch ~/a /b", "volatile": ["~/.cache", "/var/log/"]},
    "touch ~/a /b"
  ]},
  "work": {"image": "quay.io/me/work", "init_hooks": ["true"]}
}}`

// readHooks returns the hooks of the toolbox container.
func readHooks(t *testing.T) []*hook.Declared {
	t.Helper()
	m, err := hook.Read(fstest.MapFS{manifest.DistroboxPath: {Data: []byte(declared)}})
	if err != nil {
		t.Fatal(err)
	}
	hooks, err := m.Hooks("bootc-dev")
	if err != nil {
		t.Fatal(err)
	}
	return m.InToolbox(hooks)
}

// TestFindings checks which hook a changed path is attributed to, and which paths
// are no finding.
func TestFindings(t *testing.T) {
	hooks := readHooks(t)
	by := map[string]*hook.Declared{
		"/home/user/.cache": hooks[0], "/home/user/.cached": hooks[0], "/var/log/x": hooks[0], "/etc/x": hooks[0], "/etc/x/y": hooks[1],
	}
	tests := []struct {
		path string
		hook *hook.Declared
		want string // the message; empty: no finding
	}{
		{"/etc/x", hooks[0], "not idempotent: /etc/x: the second run changes it: added"},
		{"/etc/x/y/z", hooks[1], "not idempotent: /etc/x/y/z: the second run changes it: added"},
		{"/etc/x/other", hooks[0], "not idempotent: /etc/x/other: the second run changes it: added"},
		{"/home/user/.cached/x", hooks[0], "not idempotent: ~/.cached/x: the second run changes it: added"},
		{"/home/user/.cache/x", nil, ""},
		{"/var/log/x", nil, ""},
		{"/etc", nil, "an unknown hook of bootc-dev: not idempotent: /etc: the second run changes it: added"},
		{"/usr/x", nil, "an unknown hook of bootc-dev: not idempotent: /usr/x: the second run changes it: added"},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			found := findings([]buildkit.Change{{Path: tt.path, What: "added"}}, by, "bootc-dev", runTwice)
			if tt.want == "" {
				if len(found) != 0 {
					t.Errorf("%v", found)
				}
				return
			}
			if len(found) != 1 || found[0].Message != tt.want || found[0].Hook != tt.hook {
				t.Errorf("%+v", found)
			}
		})
	}
}

func TestIsWritten(t *testing.T) {
	written := []buildkit.Change{{Path: "/new", What: "added"}, {Path: "/changed", What: "other content"}}
	for path, want := range map[string]bool{
		"/new": true, "/new/x": true, "/newer": false, "/changed": true, "/changed/x": false, "/": false,
	} {
		if got := isWritten(written, path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

// TestPrivate checks which paths of a home that the copy lacks hooks may have written.
func TestPrivate(t *testing.T) {
	r := runner{old: OldHome{From: Home, Copy: homecopy.Copy{LeftOut: []string{".config/gh", ".netrc", ".ssh"}}}}
	written := []buildkit.Change{
		{Path: "/home/user/.config", What: "added"}, {Path: "/home/user/.ssh/config", What: "other content"},
		{Path: "/home/user", What: "mode -rwx------ became -rwxr-xr-x"}, {Path: "/home/user/.netrcs", What: "added"}, {Path: "/.netrc", What: "added"},
	}
	if got := r.private(written); !slices.Equal(got, []string{".config/gh", ".ssh/config"}) {
		t.Errorf("%q", got)
	}
}

// TestFailure checks that a finding says what hooks lack in the copy of a home, and that
// others do not.
func TestFailure(t *testing.T) {
	h := readHooks(t)[0]
	lacking := homecopy.Copy{LeftOut: []string{".netrc", "a"}}
	tests := []struct {
		name    string
		old     OldHome
		copy    bool
		message string
		fix     int
	}{
		{"a new home", OldHome{}, false, "fails: its run ends with exit code 2", 1},
		{"a new home, before an old one", OldHome{From: Home, Copy: lacking}, false, "fails: its run ends with exit code 2", 1},
		{"the copy of a home", OldHome{From: Home}, true, "fails: its run ends with exit code 2; it has no network there, because it can read your files", 2},
		{"with a network", OldHome{From: Home, Online: true}, true, "fails: its run ends with exit code 2", 1},
		{"a home with private files", OldHome{From: Home, Online: true, Copy: lacking}, true, "fails: its run ends with exit code 2; the copy of the home lacks a", 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := runner{old: tt.old}.failure(stage{name: "run", rule: runs, copy: tt.copy}, h, 2)
			if f.Message != tt.message || len(f.Fix) != tt.fix {
				t.Errorf("%q, %q", f.Message, f.Fix)
			}
		})
	}
}

func TestIsTemporary(t *testing.T) {
	for path, want := range map[string]bool{"/tmp/x": true, "/var/tmp/x": true, "/run/x/y": true, "/tmp": false, "/tmpx": false, "/var/x": false} {
		if got := isTemporary(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func TestShort(t *testing.T) {
	for run, want := range map[string]string{
		"true": "true",
		"éééééééééééééééééééééééééééééééééééééééééééééééééé":  "éééééééééééééééééééééééééééééééééééééééééééééééééé",
		"ééééééééééééééééééééééééééééééééééééééééééééééééééé": "éééééééééééééééééééééééééééééééééééééééééééééééééé…",
	} {
		if got := short(run); got != want {
			t.Errorf("%s: %s", run, got)
		}
	}
}
