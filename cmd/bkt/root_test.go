package main

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bkt/internal/pipeline"
	"bkt/internal/testkit"
	"bkt/internal/workspace"
)

// A place is the home of a normal user, with a repository in it, and a home of root.
type place struct {
	*testing.T
	user             *user.User
	home, repo, root string
}

func newPlace(t *testing.T) place {
	t.Helper()
	testkit.NeedRoot(t, "be root in the home of someone else")
	testkit.Need(t, "git")
	u, err := user.Lookup(testkit.UserName)
	if err != nil {
		testkit.Missing(t, err.Error())
	}
	dir, err := os.MkdirTemp("", "bkt-test-") // the user has no access to t.TempDir
	if err := errors.Join(err, os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := place{t, u, dir + "/home", dir + "/home/repo", dir + "/root"}
	if err := errors.Join(os.Mkdir(p.home, 0o755), os.Mkdir(p.root, 0o700)); err != nil {
		t.Fatal(err)
	}
	testkit.Give(t, u, p.home)
	return p
}

// env returns an environment for root with a home.
func (p place) env(home string, more ...string) []string {
	return append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + p.root, "BKT_SYSTEMD_ROOT=" + p.root,
		"DBX_CONTAINER_MANAGER=none", "BUILDKIT_HOST=unix://" + p.root + "/nowhere.sock", "FLATPAK_SYSTEM_DIR=" + p.root + "/flatpak",
	}, more...)
}

// run runs a program in a folder, and returns its exit status and output.
func (p place) run(dir string, env []string, argv ...string) (int, string) {
	p.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = dir, env
	out, err := cmd.CombinedOutput()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		p.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// asUser runs a program as the user.
func (p place) asUser(argv ...string) {
	p.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = p.repo
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + p.home}
	testkit.RunAs(p.T, cmd, p.user)
	if out, err := cmd.CombinedOutput(); err != nil {
		p.Errorf("%s as %s: %v\n%s", strings.Join(argv, " "), testkit.UserName, err, out)
	}
}

// edit replaces a word of a file of the repository, in place.
func (p place) edit(name, old, text string) {
	p.Helper()
	path := filepath.Join(p.repo, name)
	data, err := os.ReadFile(path)
	if err == nil && !strings.Contains(string(data), old) {
		err = errors.New(name + " has no " + old)
	}
	if err := errors.Join(err, os.WriteFile(path, []byte(strings.Replace(string(data), old, text, 1)), 0o644)); err != nil {
		p.Fatal(err)
	}
}

// checkOwners checks that the user owns everything in the user's home.
func (p place) checkOwners(after string) {
	p.Helper()
	want := stat(p.T, p.home)
	err := filepath.WalkDir(p.home, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if s := stat(p.T, path); s.Uid != want.Uid || s.Gid != want.Gid {
			p.Errorf("after %s, %s is of %d:%d", after, path, s.Uid, s.Gid)
		}
		return nil
	})
	if err != nil {
		p.Error(err)
	}
}

func stat(t *testing.T, path string) *syscall.Stat_t {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t)
}

// rootModes returns the environments in which root may work in the repository of a
// user, by the program that makes a user root.
func (p place) rootModes() map[string][]string {
	sudo := []string{"SUDO_UID=" + p.user.Uid, "SUDO_GID=" + p.user.Gid, "SUDO_USER=" + testkit.UserName}
	return map[string][]string{
		"root":    p.env(p.root),
		"su -m":   p.env(p.home),
		"sudo -H": p.env(p.root, sudo...),
		"sudo -E": p.env(p.home, sudo...),
		"doas":    p.env(p.root, "DOAS_USER="+testkit.UserName),
		"pkexec":  p.env(p.root, "PKEXEC_UID="+p.user.Uid),
	}
}

// TestRootInTheRepositoryOfAUser runs each command that writes into a repository as
// root. The user must own all new files, and be able to continue.
func TestRootInTheRepositoryOfAUser(t *testing.T) {
	for name := range newPlace(t).rootModes() {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			env := p.rootModes()[name]
			write := func(argv ...string) {
				t.Helper()
				if code, out := p.run(p.repo, env, argv...); code != 0 {
					t.Errorf("%s: exit status %d\n%s", strings.Join(argv, " "), code, out)
				}
				p.checkOwners(strings.Join(argv, " "))
			}
			if code, out := p.run(p.home, env, "bkt", "init", "repo"); code != 0 {
				t.Fatalf("init: exit status %d\n%s", code, out)
			}
			p.checkOwners("init")
			p.asUser("git", "init", "-q")
			p.asUser("git", "config", "user.email", "user@example.org")
			p.asUser("git", "config", "user.name", "User")
			p.asUser("git", "add", ".")
			write("bkt", "init", "--hook")
			write("bkt", "system", "add", "htop")
			write("bkt", "toolbox", "add", "zoxide")
			p.edit("manifests/system-packages.json", "htop", "btop")
			write("bkt", "containerfile", "sync")
			p.edit("manifests/toolbox-packages.json", "zoxide", "fzf")
			p.asUser("git", "add", "manifests")
			write("bkt", "containerfile", "sync", "--staged")
			write("bkt", "doctor", "--fix")
			p.asUser("git", "-c", "core.hooksPath=/dev/null", "commit", "-qam", "all")
			if code, out := p.run(p.repo, env, "bkt", "status"); code != 0 || strings.Contains(out, "not committed: ") {
				t.Errorf("status: exit status %d\n%s", code, out)
			}
		})
	}
}

// TestDesktopsAreNotThoseOfRoot runs the commands that read or change a desktop as root
// for another user. They must refuse, because they would use root's desktop.
func TestDesktopsAreNotThoseOfRoot(t *testing.T) {
	commands := [][]string{
		{"capture"}, {"capture", "--check"}, {"apply"}, {"apply", "-n"}, {"drift"}, {"auto-capture", "enable"}, {"auto-capture", "disable"},
		{"auto-capture", "run"}, {"auto-capture", "status"}, {"toolbox", "capture"}, {"toolbox", "upgrade"}, {"distrobox", "ini"},
	}
	p := newPlace(t)
	if code, out := p.run(p.home, p.env(p.root), "bkt", "init", "repo"); code != 0 {
		t.Fatalf("init: exit status %d\n%s", code, out)
	}
	for name, env := range p.rootModes() {
		t.Run(name, func(t *testing.T) {
			p.T = t
			itself := name == "root" || name == "su -m" // nothing shows that root acts for a user
			program, _, _ := strings.Cut(name, " ")
			for _, args := range commands {
				code, out := p.run(p.repo, env, append([]string{"bkt"}, args...)...)
				refused := strings.Contains(out, "bkt runs as root for the user ")
				if itself && refused || !itself && (code != 1 || !refused || !strings.Contains(out, "bkt: hint: run it without "+program+"\n")) {
					t.Errorf("%s: exit status %d\n%s", strings.Join(args, " "), code, out)
				}
			}
			if _, out := p.run(p.repo, env, "bkt", "drift"); itself && !strings.Contains(out, "bkt: warning: bkt runs as root, and "+p.repo+" belongs to another user: ") {
				t.Errorf("drift does not warn:\n%s", out)
			}
			code, out := p.run(p.repo, env, "bkt", "status")
			looked := strings.Contains(out, "flatpak-remotes: ") && strings.Contains(out, "auto-capture: ")
			said := strings.Contains(out, "not read: ") && strings.Contains(out, "bkt runs as root for the user ")
			if code != 0 || !strings.Contains(out, "\nContainerfile: ") && !strings.HasPrefix(out, "Containerfile: ") || looked != itself || said == itself {
				t.Errorf("status: exit status %d\n%s", code, out)
			}
			p.checkOwners(name)
		})
	}
}

// TestRootsSessionIsRoots checks that root that acts for root, and a user whose
// environment root has left, act for themselves.
func TestRootsSessionIsRoots(t *testing.T) {
	for name, env := range map[string][]string{
		"sudo by root": {"SUDO_UID=0", "SUDO_USER=root"},
		"doas by root": {"DOAS_USER=root"},
		"nothing":      nil,
	} {
		for _, variable := range testkit.ActingUserVars {
			t.Setenv(variable, "")
		}
		for _, e := range env {
			variable, value, _ := strings.Cut(e, "=")
			t.Setenv(variable, value)
		}
		if err := workspace.CheckDesktop(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Setenv("SUDO_UID", "1000")
	if err := workspace.CheckDesktop(); (err != nil) != (os.Geteuid() == 0) {
		t.Errorf("error %v for user %d", err, os.Geteuid())
	}
}

// TestEngineOfRootIsRoots checks that root under sudo uses no folder of the user's.
func TestEngineOfRootIsRoots(t *testing.T) {
	p := newPlace(t)
	t.Setenv("XDG_DATA_HOME", p.home)
	if got := pipeline.OwnEnv("XDG_DATA_HOME"); got != p.home {
		t.Errorf("of root for itself: %q", got)
	}
	t.Setenv("SUDO_UID", p.user.Uid)
	for value, want := range map[string]string{
		p.home: "", p.home + "/.local/share": "", p.root: p.root, p.root + "/not/yet": p.root + "/not/yet", "": "",
	} {
		t.Setenv("XDG_DATA_HOME", value)
		if got := pipeline.OwnEnv("XDG_DATA_HOME"); got != want {
			t.Errorf("XDG_DATA_HOME=%s: %q", value, got)
		}
	}
	t.Setenv("XDG_RUNTIME_DIR", p.home)
	if got := pipeline.OwnEnv("XDG_RUNTIME_DIR"); got != "" {
		t.Errorf("XDG_RUNTIME_DIR: %q", got)
	}
}
