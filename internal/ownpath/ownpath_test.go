package ownpath

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPick checks which of the paths of a program is written into files that outlive its
// version. The candidates come from the way it was called; those in links are the program.
func TestPick(t *testing.T) {
	const home = "/home/me"
	tests := []struct {
		name, called, path, running string
		links                       []string // paths that lead to the running program
		want                        string
	}{
		{"a package", "bkt", "/usr/bin", "/usr/bin/bkt", []string{"/usr/bin/bkt"}, "/usr/bin/bkt"},
		{"a package, by another name of its folder", "bkt", "/bin:/usr/bin", "/usr/bin/bkt", []string{"/bin/bkt", "/usr/bin/bkt"}, "/usr/bin/bkt"},
		{"in the home", "bkt", "/home/me/.local/bin:/usr/bin", "/home/me/.local/bin/bkt", []string{"/home/me/.local/bin/bkt"}, "/home/me/.local/bin/bkt"},
		{
			"a link of the user to a version", "bkt", "/home/me/bin:/usr/bin", "/home/me/cellar/bkt/1.0/bin/bkt",
			[]string{"/home/me/bin/bkt"}, "/home/me/bin/bkt",
		},
		{
			"Homebrew", "bkt", "/home/linuxbrew/.linuxbrew/bin", "/home/linuxbrew/.linuxbrew/Cellar/bkt/1.0/bin/bkt",
			[]string{"/home/linuxbrew/.linuxbrew/bin/bkt"}, "/home/linuxbrew/.linuxbrew/bin/bkt",
		},
		{
			"Homebrew, called in its folder", "/home/linuxbrew/.linuxbrew/Cellar/bkt/1.0/bin/bkt", "/usr/bin", "/home/linuxbrew/.linuxbrew/Cellar/bkt/1.0/bin/bkt",
			[]string{"/home/linuxbrew/.linuxbrew/bin/bkt"}, "/home/linuxbrew/.linuxbrew/bin/bkt",
		},
		{
			"Homebrew elsewhere", "/opt/brew/Cellar/bkt/1.0/bin/bkt", "/usr/bin", "/opt/brew/Cellar/bkt/1.0/bin/bkt",
			[]string{"/opt/brew/opt/bkt/bin/bkt"}, "/opt/brew/opt/bkt/bin/bkt",
		},
		{
			"a folder of a version in PATH", "bkt", "/home/me/.local/share/mise/installs/bkt/1.0.2/bin:/usr/bin", "/home/me/.local/share/mise/installs/bkt/1.0.2/bin/bkt",
			[]string{"/home/me/.local/share/mise/installs/bkt/latest/bin/bkt"}, "/home/me/.local/share/mise/installs/bkt/latest/bin/bkt",
		},
		{
			"a profile of nix", "bkt", "/nix/store/abc-bkt/bin:/home/me/.nix-profile/bin", "/nix/store/abc-bkt/bin/bkt",
			[]string{"/home/me/.nix-profile/bin/bkt"}, "/home/me/.nix-profile/bin/bkt",
		},
		{
			"the same file by its place in the home", "/src/bkt-1.2.3/bin/bkt", "/usr/bin", "/src/bkt-1.2.3/bin/bkt",
			[]string{"/home/me/.local/bin/bkt"}, "/home/me/.local/bin/bkt",
		},
		{
			"the called one, rather than another link", "/opt/tools/bkt", "/usr/bin", "/opt/tools/bkt",
			[]string{"/home/me/.local/bin/bkt"}, "/opt/tools/bkt",
		},
		{
			"another program in PATH", "/opt/tools/bkt", "/usr/bin:/home/me/.local/bin", "/opt/tools/bkt", nil, "/opt/tools/bkt",
		},
		{"nothing but a version", "bkt", "/opt/bkt-1.2/bin", "/opt/bkt-1.2/bin/bkt", nil, "/opt/bkt-1.2/bin/bkt"},
		{"relative folders in PATH", "bkt", "bin:.:/usr/bin", "/home/me/x/bkt", []string{"bin/bkt", "bkt"}, "/home/me/x/bkt"},
		{"called by another name", "/home/me/other", "/usr/bin", "/opt/tools/bkt", []string{"/home/me/other"}, "/home/me/other"},
		{"of no use", "", "", "/opt/tools/bkt", nil, "/opt/tools/bkt"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			same := func(path string) bool { return path == tt.running || slices.Contains(tt.links, path) }
			s := Start{Called: tt.called, Path: tt.path, Home: home}
			if got := pick(s.candidates(tt.running), tt.running, same); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestIsTransient(t *testing.T) {
	tree := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(tree, "bin"), 0o755), os.WriteFile(filepath.Join(tree, "go.mod"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		"/usr/bin/bkt": false, "/home/me/.local/bin/bkt": false, "/opt/python3.12/bin/bkt": false, "/opt/bkt2/bkt": false,
		"/nix/store/abc-bkt/bin/bkt": true, "/gnu/store/abc-bkt/bin/bkt": true, "/x/Cellar/bkt/HEAD/bin/bkt": true,
		"/opt/bkt/1.0/bkt": true, "/opt/bkt/v1.0.3/bin/bkt": true, "/opt/bkt-1.2/bin/bkt": true, "/opt/bkt_1.2.0_linux_amd64/bkt": true,
		"/opt/bkt/latest/bin/bkt": false, filepath.Join(tree, "bin/bkt"): true, filepath.Join(tree, "bkt"): true,
	} {
		if got := IsTransient(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

// TestStable checks with real links that the path of the user's link is kept, and that a
// link to another file is not taken.
func TestStable(t *testing.T) {
	running, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	bin := filepath.Join(home, ".local/bin")
	link := filepath.Join(bin, filepath.Base(running))
	if err := errors.Join(os.MkdirAll(bin, 0o755), os.Symlink(running, link)); err != nil {
		t.Fatal(err)
	}
	s := Start{Called: filepath.Base(running), Path: bin, Home: home}
	if got, err := s.Stable(); err != nil || got != link || !IsRunning(link) {
		t.Errorf("%s, %v", got, err)
	}
	if err := errors.Join(os.Remove(link), os.WriteFile(link, nil, 0o755)); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Stable(); err != nil || got != running || IsRunning(link) {
		t.Errorf("%s, %v", got, err)
	}
}

// TestMissing checks which paths of bkt in scripts and commands are reported.
func TestMissing(t *testing.T) {
	dir := t.TempDir()
	there, gone := filepath.Join(dir, "there/bkt"), filepath.Join(dir, "gone/bkt")
	spaced := filepath.Join(dir, "with space/bkt")
	if err := errors.Join(os.Mkdir(filepath.Dir(there), 0o755), os.WriteFile(there, nil, 0o755)); err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("GONE", gone, "THERE", there, "SPACED", spaced).Replace(`#!/bin/sh
# GONE is no command
THERE containerfile check
exec GONE containerfile sync --staged
x && "SPACED" status; GONE status
bkt status; ./bin/bkt status; /gone/bkt-engine check; /gone/bkt/run
entry: GONEx
`)
	if diff := cmp.Diff([]string{gone, spaced}, Missing(text)); diff != "" {
		t.Error(diff)
	}
	want := strings.NewReplacer("exec "+gone+" ", "exec bkt ", spaced, "bkt", "; "+gone+" ", "; bkt ").Replace(text)
	if diff := cmp.Diff(want, ReplaceMissing(text)); diff != "" {
		t.Error(diff)
	}
	for _, line := range []string{gone, gone + " merge-manifest %O", "entry: " + gone + " x", "run:" + gone, "`" + gone + "`", "(" + gone + ")", "'" + gone + "' x"} {
		if diff := cmp.Diff([]string{gone}, Missing(line)); diff != "" {
			t.Error(line, diff)
		}
	}
}

// TestCheck checks the reasons why a path leads to no program.
func TestCheck(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(file, nil, 0o644), os.Symlink("gone", link)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		file: file + " cannot be run", link: link + " leads to gone, which does not exist",
		dir + "/none": dir + "/none does not exist", dir: dir + " cannot be run", file + "/x": file + "/x: not a directory",
	} {
		if err := Check(path); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
