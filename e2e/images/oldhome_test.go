package images_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bkt/internal/engine/contract"
	"bkt/internal/testkit"
)

// TestOldHomeLeavesNothing checks that after hooks have run in the copy of a home, the
// engine's folder has none of its content: when they succeed, when they fail, and when
// bkt is killed, also together with its engine.
func TestOldHomeLeavesNothing(t *testing.T) {
	t.Parallel()
	t.Run("root", func(t *testing.T) {
		testkit.NeedRoot(t, "read the files of root's engine")
		newRehearsal(t, nil).check(t, true)
	})
	t.Run("user", func(t *testing.T) {
		testkit.Need(t, "newuidmap", "newgidmap")
		newRehearsal(t, testkit.NeedUser(t)).check(t, testkit.Full())
	})
}

// marker is content that no file has but those of the home, and copies of them.
const marker = "7a1c2e" + "-content-of-the-home-" + "90bd41"

// The hooks see the marker, print it, and write it to other files.
const (
	seeing   = `"test ! -e ~/notes || cat ~/notes", "test -e ~/one || echo 1 >~/one", "test -e ~/two || echo 2 >~/two"`
	copying  = `"cat ~/notes >~/copy || touch ~/copy", "test -e ~/one || echo 1 >~/one", "test -e ~/two || echo 2 >~/two"`
	failing  = `"if test -e ~/notes; then cp ~/notes ~/copy; exit 3; fi"`
	blocking = `"if test -e ~/notes; then cp ~/notes ~/copy; cat ~/copy; sleep 3600; fi"`
)

// A rehearsal runs hooks in the copy of a home, on an engine of its own.
type rehearsal struct {
	dir      string // has the repository, the home and the folders of the engine
	workshop *testkit.Workshop
	user     *user.User // nil: root
}

func newRehearsal(t *testing.T, u *user.User) rehearsal {
	t.Helper()
	w := testkit.SharedWorkshop(t)
	temp, err := os.MkdirTemp("", "bkt") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(temp, "b")
	r := rehearsal{dir, w, u}
	t.Cleanup(func() {
		out, err := r.bkt(t, "engine", "stop").CombinedOutput()
		if err := errors.Join(err, os.RemoveAll(temp)); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	testkit.CopyTree(t, filepath.Join(w.Offline, "base"), filepath.Join(dir, "base"))
	r.write(t, "home/notes", marker)
	r.write(t, "repo/manifests/image.json", `{"toolbox": {"base": {"image": "example.org/base:1"}}}`)
	r.write(t, "repo/toolbox/Containerfile", "FROM example.org/base:1\n")
	r.write(t, "run/x", "")
	if u != nil {
		testkit.Give(t, u, dir)
	}
	return r
}

func (r rehearsal) write(t *testing.T, name, text string) {
	t.Helper()
	name = filepath.Join(r.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// bkt returns a command of bkt.
func (r rehearsal) bkt(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(filepath.Join(r.workshop.Bin, "bkt"), args...)
	cmd.Dir = filepath.Join(r.dir, "repo")
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + r.dir + "/home", "XDG_DATA_HOME=" + r.dir + "/data", "XDG_RUNTIME_DIR=" + r.dir + "/run"}
	if r.user != nil {
		testkit.RunAs(t, cmd, r.user)
		cmd.Env = append(cmd.Env, "USER="+r.user.Username)
	}
	return cmd
}

// hooks returns the command that runs hooks in the copy of the home.
func (r rehearsal) hooks(t *testing.T, hooks string, args ...string) *exec.Cmd {
	t.Helper()
	r.write(t, "repo/manifests/distrobox.json", `{"containers": {"dev": {"image": "localhost/dev", "init_hooks": [`+hooks+`]}}}`)
	return r.bkt(t, append([]string{"hook", "check", "--run", "--progress=plain", "--build-context=example.org/base:1=oci-layout://../base"}, args...)...)
}

// check runs hooks, and then looks for the content of the home. most says that it also
// does so after what is less likely.
func (r rehearsal) check(t *testing.T, most bool) {
	const old = "--old-home=../home"
	t.Run("a kill", func(t *testing.T) {
		cmd := r.block(t, old)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		r.awaitNothing(t) // the engine itself deletes it
	})
	for _, tt := range []struct {
		name, hooks, output string
		always              bool
	}{
		{"success", seeing, "hooks checked: 3, problems: 0, run: 3, not run: 0\n", true},
		{"a difference", copying, "~/copy: differs in an old home", false},
		{"a failure", failing, "its run in the old home ends with exit code 3", true},
	} {
		if !tt.always && !most {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			out, err := r.hooks(t, tt.hooks, old).CombinedOutput()
			if (err == nil) != (tt.name == "success") || !strings.Contains(string(out), tt.output) {
				t.Errorf("%v\n%s", err, out)
			}
			if found := r.search(t); len(found) > 0 {
				t.Errorf("the content of the home is in %q", found)
			}
		})
	}
	if !most {
		return
	}
	t.Run("an interrupt", func(t *testing.T) {
		cmd := r.block(t, old)
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		r.awaitNothing(t)
	})
	t.Run("a kill of the engine, too", func(t *testing.T) {
		cmd := r.block(t, old)
		state, err := contract.ReadState(filepath.Join(r.dir, "data/bkt/engine"))
		if err := errors.Join(err, cmd.Process.Kill(), syscall.Kill(state.PID, syscall.SIGKILL)); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		awaitEnd(t, state.Socket)
		if out, err := r.hooks(t, `"true"`).CombinedOutput(); err != nil { // starts the engine again
			t.Errorf("%v\n%s", err, out)
		}
		r.awaitNothing(t)
	})
}

// block starts hooks that do not end, and waits until they have seen the home. The
// search finds its content then: it would find what remains, too.
func (r rehearsal) block(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := r.hooks(t, blocking, args...)
	output := &seenWriter{seen: make(chan struct{})}
	cmd.Stderr = output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	select {
	case <-output.seen:
	case <-ctx.Done():
		t.Fatal("the hook does not see the home")
	}
	if len(r.search(t)) == 0 {
		t.Fatal("the content of the home is nowhere while hooks see it")
	}
	return cmd
}

// A seenWriter closes a channel when the marker has been written to it.
type seenWriter struct {
	text bytes.Buffer
	seen chan struct{}
}

func (w *seenWriter) Write(b []byte) (int, error) {
	was := bytes.Contains(w.text.Bytes(), []byte(marker))
	w.text.Write(b)
	if !was && bytes.Contains(w.text.Bytes(), []byte(marker)) {
		close(w.seen)
	}
	return len(b), nil
}

// awaitNothing waits until the content of the home is nowhere.
func (r rehearsal) awaitNothing(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	late := time.After(2 * time.Minute)
	for {
		found := r.search(t)
		if len(found) == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("the content of the home is still in %q", found)
		}
	}
}

// awaitEnd waits until nothing answers at the socket of an engine that was killed: its inner
// process ends a moment later.
func awaitEnd(t *testing.T, socket string) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.After(2 * time.Minute)
	for {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			return
		}
		conn.Close()
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("an engine still answers at %s", socket)
		}
	}
}

// search returns the files of the engine that contain the marker.
func (r rehearsal) search(t *testing.T) (found []string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(filepath.Join(r.dir, "data"), func(name string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // deleted meanwhile
			return nil
		}
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		files++
		if bytes.Contains(data, []byte(marker)) {
			found = append(found, name)
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files, %v", files, err)
	}
	return found
}
