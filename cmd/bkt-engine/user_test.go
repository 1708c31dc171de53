package main_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"bkt/internal/engine/contract"
	"bkt/internal/testkit"
)

// asUser gives the world to a normal user and starts the user's engine in it.
func (w world) asUser(t *testing.T, u *user.User) (world, contract.State) {
	t.Helper()
	w.give(t, u)
	w.serve(t, u)
	state, err := contract.ReadState(w.config().Root)
	if err != nil {
		t.Fatal(err)
	}
	w.Address = "unix://" + w.config().Socket
	return w, state
}

// give makes u the owner of all files of the world.
func (w world) give(t *testing.T, u *user.User) {
	t.Helper()
	c := credential(t, u)
	err := filepath.WalkDir(w.Dir, func(name string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(name, int(c.Uid), int(c.Gid)))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// become makes cmd run as u.
func (w world) become(t *testing.T, u *user.User, cmd *exec.Cmd) {
	t.Helper()
	cmd.Dir = w.Dir
	cmd.Env = append(cmd.Env, "PATH=/usr/local/bin:/usr/bin:/bin", "USER="+u.Username, "HOME="+w.Dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential(t, u)}
}

func credential(t *testing.T, u *user.User) *syscall.Credential {
	t.Helper()
	uid, errUID := strconv.Atoi(u.Uid)
	gid, errGID := strconv.Atoi(u.Gid)
	if err := errors.Join(errUID, errGID); err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// serve starts the world's engine, as u unless that is nil, and waits until it is
// ready.
func (w world) serve(t *testing.T, u *user.User, args ...string) {
	t.Helper()
	ready, report, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer ready.Close()
	cmd := w.engine(append(args, "--ready-fd", "3")...)
	if u != nil {
		w.become(t, u, cmd)
	}
	cmd.ExtraFiles = []*os.File{report}
	err = cmd.Start()
	report.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Wait() })
	t.Cleanup(func() { cmd.Process.Kill() })
	if err := contract.AwaitReport(ready); err != nil {
		t.Fatal(err)
	}
}

func needUser(t *testing.T) *user.User {
	t.Helper()
	u := testkit.NeedUser(t)
	testkit.Need(t, "newuidmap", "newgidmap")
	return u
}

func TestEngineOfAUser(t *testing.T) {
	u := needUser(t)
	w, _ := newWorld(t).asUser(t, u)
	w.containerfile(t, `RUN ["/init", "write", "/etc/made", "by a RUN"]`, `USER 1000`, `RUN ["/init", "write", "/dev/null", "by another user"]`)
	w.mustBuild(t)
}

func TestKilledEngineOfAUserLeavesNothing(t *testing.T) {
	u := needUser(t)
	for _, which := range []string{"outer", "inner"} {
		t.Run(which, func(t *testing.T) {
			w, state := newWorld(t).asUser(t, u)
			marker, done := w.hang(t, t.Context())
			pids := map[string]int{"outer": state.PID, "inner": state.Inner}
			if err := syscall.Kill(pids[which], syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if err := result(t, done); err == nil {
				t.Error("the build went well")
			}
			w.awaitNothingLeft(t, marker)
		})
	}
}

// TestUserWithoutSubordinateIDs uses nobody, who has none.
func TestUserWithoutSubordinateIDs(t *testing.T) {
	w := newWorld(t)
	testkit.NeedRoot(t, "be someone else")
	if err := os.Chmod(w.Dir, 0o777); err != nil {
		t.Fatal(err)
	}
	cmd := w.engine()
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != contract.StatusUnfit {
		t.Errorf("ended with %v", err)
	}
	for _, want := range []string{
		"bkt: error: /etc/subuid: no line for nobody\nbkt: hint: run \"sudo usermod --add-subuids ",
		"bkt: error: /etc/subgid: no line for nobody\nbkt: hint: run \"sudo usermod --add-subuids ",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
