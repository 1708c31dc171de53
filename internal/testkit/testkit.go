// Package testkit provides the code that the tests of several packages share: programs
// that are built once, the commands of scripts, and a workshop to build images in.
package testkit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
)

// UserName is a normal user with subordinate ids, whom scripts/setup.sh creates.
const UserName = "bkt-test"

// ActingUserVars are the variables by which sudo, doas and pkexec name the user for
// whom root acts.
var ActingUserVars = []string{"SUDO_UID", "SUDO_GID", "SUDO_USER", "DOAS_USER", "PKEXEC_UID"}

// toolboxFile exists in containers of distrobox and toolbox.
const toolboxFile = "/run/.toolboxenv"

// UnsetPlace removes from the environment for whom and where bkt runs: in the tests, root
// acts for no other user, even if sudo runs them, and a container of distrobox or toolbox is
// a system like any other.
func UnsetPlace() {
	for _, name := range append([]string{"CONTAINER_ID", "TOOLBOX_PATH"}, ActingUserVars...) {
		os.Unsetenv(name)
	}
	if _, err := os.Stat(toolboxFile); err == nil {
		os.Setenv("BKT_HERE", "1")
	}
}

// Main runs the tests of a package and then removes the fixtures that they share.
func Main(m *testing.M) {
	UnsetPlace()
	status := m.Run()
	if err := release(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = max(status, 1)
	}
	os.Exit(status)
}

// releases undo what shared fixtures have set up.
var (
	releasesMu sync.Mutex
	releases   []func() error
)

// onRelease has undo called after all tests, before functions that were added earlier.
func onRelease(undo func() error) {
	releasesMu.Lock()
	defer releasesMu.Unlock()
	releases = append(releases, undo)
}

func release() error {
	var errs []error
	for _, undo := range slices.Backward(releases) {
		errs = append(errs, undo())
	}
	return errors.Join(errs...)
}

// Full reports whether the slower tests run, too.
func Full() bool { return os.Getenv("BKT_TEST_FULL") != "" }

// Need skips the test if a program is not installed, or fails where nothing may
// be skipped.
func Need(t testing.TB, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			Missing(t, tool+" is not installed")
		}
	}
}

// Missing skips the test for lack of something, or fails where nothing may be
// skipped.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("BKT_REQUIRE_TOOLS") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// NeedRoot skips the test if the user is not root, or fails where nothing may be
// skipped. why says what only root can do.
func NeedRoot(t testing.TB, why string) {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "only root can "+why)
	}
}

// NeedUser returns the user UserName. Only root can run programs as another user.
func NeedUser(t testing.TB) *user.User {
	t.Helper()
	NeedRoot(t, "be another user")
	u, err := user.Lookup(UserName)
	if err != nil {
		Missing(t, err.Error())
	}
	return u
}

// RunAs makes cmd run as u.
func RunAs(t testing.TB, cmd *exec.Cmd, u *user.User) {
	t.Helper()
	uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(errUID, errGID); err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// Give makes u the owner of everything in dir, and lets u reach it.
func Give(t testing.TB, u *user.User, dir string) {
	t.Helper()
	uid, errUID := strconv.Atoi(u.Uid)
	gid, errGID := strconv.Atoi(u.Gid)
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(name, uid, gid))
	})
	// Only their owner can read the folders of t.TempDir.
	if err := errors.Join(errUID, errGID, err, os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
		t.Fatal(err)
	}
}

// CopyTree copies the folder from to the folder to, which it creates.
func CopyTree(t testing.TB, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// CopyFile copies the content of a file.
func CopyFile(t testing.TB, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Root returns the top folder of this module.
func Root() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", err
	}
	file := string(out[:max(len(out)-1, 0)])
	if !filepath.IsAbs(file) {
		return "", fmt.Errorf("go env GOMOD prints %q", out)
	}
	return filepath.Dir(file), nil
}

// CacheDir returns the folder that scripts/offline.sh fills.
func CacheDir() (string, error) {
	if set := os.Getenv("BKT_CACHE"); set != "" {
		return filepath.Join(set, "offline"), nil
	}
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "bkt", "offline"), err
}

// Offline returns the output folder of scripts/offline.sh. It fails if the folder lacks
// one of names.
func Offline(t testing.TB, names ...string) string {
	t.Helper()
	dir, err := CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			Missing(t, err.Error()+": scripts/offline.sh makes it")
		}
	}
	return dir
}
