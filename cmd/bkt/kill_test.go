package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"bkt/internal/manifest"
	"bkt/internal/testkit"

	"github.com/rogpeppe/go-internal/testscript"
)

// kills is how many runs of each command are killed, or could be.
const kills = 67

// TestKilledRunsDoNoHarm kills capture, apply and auto-capture at random moments
// of their work. Whatever is left then, each manifest has to be whole, and as it
// was or as it was going to be; no lock may be left, and the next run has to
// finish the work.
func TestKilledRunsDoNoHarm(t *testing.T) {
	testkit.Need(t, "git")
	t.Run("capture", func(t *testing.T) {
		t.Parallel()
		v := newVictim(t)
		v.killAll(func(n int) { v.override(n) }, "capture")
	})
	t.Run("apply", func(t *testing.T) {
		t.Parallel()
		v := newVictim(t)
		v.override(0)
		v.bkt("capture")
		v.killAll(func(n int) { v.declare(n) }, "apply")
	})
	t.Run("auto-capture", func(t *testing.T) {
		t.Parallel()
		v := newVictim(t)
		v.commits = true
		v.killAll(func(n int) { v.override(n) }, "auto-capture", "run", "--settle=0s")
		v.git("fsck", "--strict")
		if n := v.git("rev-list", "--count", "HEAD~"); n != fmt.Sprintln(kills+1) {
			t.Errorf("of %d changes there are %s commits", kills+1, n)
		}
		if left := v.git("status", "--porcelain", "--untracked-files=all"); left != "" {
			t.Errorf("left over: %s", left)
		}
	})
}

// A victim is a repository beside a system.
type victim struct {
	*testing.T
	dir, overrides, declared string
	env                      []string
	commits                  bool // that the command makes commits
	random                   *rand.Rand
}

// killedApps is how many apps have overrides, so that there is something to do.
const killedApps = 8

func newVictim(t *testing.T) *victim {
	t.Helper()
	env := &testscript.Env{WorkDir: t.TempDir(), Vars: os.Environ()}
	if err := os.Mkdir(filepath.Join(env.WorkDir, ".test"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := testkit.Isolate(env); err != nil {
		t.Fatal(err)
	}
	if err := installStandIns(env); err != nil {
		t.Fatal(err)
	}
	v := &victim{T: t, dir: filepath.Join(env.WorkDir, "repo"), env: env.Vars, random: rand.New(rand.NewPCG(1, uint64(len(t.Name()))))}
	v.env = append(v.env, "FLATPAK_SYSTEM_DIR="+env.WorkDir+"/.test/flatpak",
		"GIT_AUTHOR_NAME=Someone", "GIT_AUTHOR_EMAIL=s@example.org", "GIT_COMMITTER_NAME=Someone", "GIT_COMMITTER_EMAIL=s@example.org")
	v.overrides = filepath.Join(env.Getenv("XDG_DATA_HOME"), "flatpak", "overrides")
	v.declared = filepath.Join(v.dir, "manifests", "flatpak-overrides.json")
	v.write(filepath.Join(v.dir, "Containerfile"), "FROM scratch\n")
	v.write(filepath.Join(v.dir, "manifests", "image.json"), "{}\n")
	v.write(filepath.Join(v.overrides, "..", "repo", "config"), "[core]\nrepo_version=1\n")
	v.git("init", "--quiet")
	v.git("add", ".")
	v.git("commit", "--quiet", "--message=first")
	return v
}

func (v *victim) write(path, text string) {
	v.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		v.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		v.Fatal(err)
	}
}

// override gives the system other overrides, and declare the manifest.
func (v *victim) override(n int) {
	for app := range killedApps {
		v.write(filepath.Join(v.overrides, fmt.Sprintf("org.bkt.App%d", app)), fmt.Sprintf("[Environment]\nN=%d\n", n))
	}
}

func (v *victim) declare(n int) {
	v.write(v.declared, v.manifest(n))
}

func (v *victim) manifest(n int) string {
	var m manifest.FlatpakOverrides
	for app := range killedApps {
		m.Overrides = append(m.Overrides, manifest.FlatpakOverride{App: fmt.Sprintf("org.bkt.App%d", app), Scope: "user", Flags: []string{fmt.Sprintf("--env=N=%d", n)}})
	}
	text, err := manifest.Encode(m)
	if err != nil {
		v.Fatal(err)
	}
	return string(text)
}

func (v *victim) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = v.dir, v.env
	return cmd
}

func (v *victim) bkt(args ...string) { v.must(v.command("bkt", args...)) }

func (v *victim) git(args ...string) string { return v.must(v.command("git", args...)) }

func (v *victim) must(cmd *exec.Cmd) string {
	v.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		v.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	return string(out)
}

// killAll changes something and kills the command that is to bring it over, many
// times, somewhere between nothing and all of the time that it takes.
func (v *victim) killAll(change func(n int), args ...string) {
	change(1)
	started := time.Now()
	v.bkt(args...)
	whole := time.Since(started)
	killed := 0
	for n := 2; n < 2+kills; n++ {
		change(n)
		after := time.Duration(v.random.Int64N(int64(whole)))
		if v.kill(after, args...) {
			killed++
			whole += whole / 30
		} else {
			whole = max(after, time.Millisecond) // it was quicker than that
		}
		v.whole(n-1, n)
		v.finish(args...)
		v.done(n)
	}
	if killed < kills/3 {
		v.Errorf("of %d runs, only %d were killed before they had ended", kills, killed)
	}
	v.bkt("drift", "flatpak-overrides")
	v.Logf("%d of %d runs were killed, within %v", killed, kills, whole)
}

// kill kills bkt, and nothing that it has started, and reports whether it was in
// time.
func (v *victim) kill(after time.Duration, args ...string) bool {
	cmd := v.command("bkt", args...)
	if err := cmd.Start(); err != nil {
		v.Fatal(err)
	}
	<-time.After(after)
	_ = cmd.Process.Kill()
	return cmd.Wait() != nil
}

// whole checks that the manifest is one of the two.
func (v *victim) whole(n, m int) {
	v.Helper()
	text, err := os.ReadFile(v.declared)
	if err != nil || string(text) != v.manifest(n) && string(text) != v.manifest(m) {
		v.Fatalf("%v, the manifest is\n%s", err, text)
	}
}

// finish runs the command again, when what the killed run has left running is
// done: there is no one to tell of that.
func (v *victim) finish(args ...string) {
	v.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for v.busy() {
		select {
		case <-tick.C:
		case <-late:
			v.Fatal("there was no end to what a killed run has left running")
		}
	}
	v.bkt(args...)
}

// busy reports whether something runs in the repository.
func (v *victim) busy() bool {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	return slices.ContainsFunc(links, func(link string) bool {
		dir, err := os.Readlink(link)
		return err == nil && dir == v.dir
	})
}

// done checks that both sides agree, and that what was to be committed is.
func (v *victim) done(n int) {
	v.Helper()
	text, err := os.ReadFile(v.declared)
	if err != nil || string(text) != v.manifest(n) {
		v.Fatalf("%v, the manifest is\n%s", err, text)
	}
	for app := range killedApps {
		text, err := os.ReadFile(filepath.Join(v.overrides, fmt.Sprintf("org.bkt.App%d", app)))
		if err != nil || !bytes.Contains(text, fmt.Appendf(nil, "N=%d\n", n)) {
			v.Fatalf("%v, the system has\n%s", err, text)
		}
	}
	if !v.commits {
		return
	}
	if left := v.git("status", "--porcelain", "--untracked-files=no"); left != "" {
		v.Fatalf("not committed: %s", left)
	}
}
