package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bkt/internal/manifest"
	"bkt/internal/testkit"
	"bkt/internal/testkit/killpoint"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestKilledRunsDoNoHarm kills capture, apply and auto-capture at each point of their
// work: before each change of a file, and after the start of each program.
// After that, the manifest must have its old or its new content, no lock may be left,
// and the next run must finish the work.
func TestKilledRunsDoNoHarm(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "git")
	t.Run("capture", func(t *testing.T) {
		t.Parallel()
		v := newVictim(t)
		points := v.killAll(v.override, "capture")
		v.mustHave(points, "link "+v.dir+"/manifests/.bkt-tmp-…")
		v.inOrder(points, "rename "+v.declared, "sync "+v.dir+"/manifests", "rename "+v.state+"/base/", "sync "+v.state+"/base/")
	})
	t.Run("apply", func(t *testing.T) {
		t.Parallel()
		v := newVictim(t)
		v.override(0)
		v.bkt("capture")
		points := v.killAll(v.declare, "apply")
		v.inOrder(points, "rename "+v.overrides+"/org.bkt.App0", "rename "+v.overrides+"/org.bkt.App1", "sync "+v.overrides,
			"rename "+v.state+"/base/", "sync "+v.state+"/base/")
	})
	t.Run("auto-capture", func(t *testing.T) {
		t.Parallel()
		v := newVictim(t)
		v.commits = true
		points := v.killAll(v.override, "auto-capture", "run", "--settle=0s")
		v.inOrder(points, "rename "+v.state+"/auto-capture/", "sync "+v.state+"/auto-capture/", "rename "+v.declared, "sync "+v.dir+"/manifests",
			"rename "+v.state+"/base/", "sync "+v.state+"/base/", "repo commit --quiet")
		v.git("fsck", "--strict")
		if n := v.git("rev-list", "--count", "HEAD~"); n != fmt.Sprintln(v.changes) {
			t.Errorf("of %d changes there are %s commits", v.changes, n)
		}
		if left := v.git("status", "--porcelain", "--untracked-files=all"); left != "" {
			t.Errorf("left over: %s", left)
		}
	})
}

// A victim is a repository and a system.
type victim struct {
	*testing.T
	dir, overrides, declared string
	state                    string // bkt's
	env                      []string
	commits                  bool // whether the command makes commits
	changes                  int  // made so far
}

// killedApps is the number of apps with overrides: a run can be killed between two.
const killedApps = 2

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
	v := &victim{T: t, dir: filepath.Join(env.WorkDir, "repo"), env: env.Vars}
	v.env = append(v.env, "FLATPAK_SYSTEM_DIR="+env.WorkDir+"/.test/flatpak",
		"GIT_AUTHOR_NAME=Someone", "GIT_AUTHOR_EMAIL=s@example.org", "GIT_COMMITTER_NAME=Someone", "GIT_COMMITTER_EMAIL=s@example.org")
	v.state = filepath.Join(env.Getenv("XDG_STATE_HOME"), "bkt")
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

// override changes the overrides of the system; declare changes those of the manifest.
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

// command returns a command of bkt.
func (v *victim) command(args ...string) *exec.Cmd { return v.program("bkt", args...) }

func (v *victim) program(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = v.dir, v.env
	return cmd
}

func (v *victim) bkt(args ...string) { v.must(v.command(args...)) }

func (v *victim) git(args ...string) string { return v.must(v.program("git", args...)) }

func (v *victim) must(cmd *exec.Cmd) string {
	v.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		v.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	return string(out)
}

// killAll kills the command that captures or applies a change, once at each of the
// points that it reaches, each time with a new change. It returns the points.
func (v *victim) killAll(change func(n int), args ...string) []string {
	v.Helper()
	v.change(change)
	v.bkt(args...)
	points := v.run(change, "", args...).Points
	for _, point := range points {
		if run := v.run(change, point, args...); !run.Killed {
			v.Errorf("%s is not reached", point)
		}
		v.whole(v.changes-1, v.changes)
		v.bkt(args...)
		v.done(v.changes)
	}
	v.bkt("drift", "flatpak-overrides")
	return points
}

// run makes a change, and runs a command that is killed at a point.
func (v *victim) run(change func(n int), point string, args ...string) killpoint.Run {
	v.Helper()
	v.change(change)
	run, err := killpoint.Start(v.command(args...), filepath.Dir(v.dir), point)
	if err != nil {
		v.Fatal(err)
	}
	if !run.Killed && run.Err != nil {
		v.Fatalf("%v\n%s", run.Err, run.Output)
	}
	return run
}

func (v *victim) change(change func(n int)) {
	v.changes++
	change(v.changes)
}

// mustHave checks that some of the points have these texts in their names.
func (v *victim) mustHave(points []string, wanted ...string) {
	v.Helper()
	for _, want := range wanted {
		if !slices.ContainsFunc(points, func(p string) bool { return strings.Contains(p, want) }) {
			v.Errorf("not killed at %q, only at\n%s", want, strings.Join(points, "\n"))
		}
	}
}

// inOrder checks that some of the points have these texts in their names, in this order,
// and none comes before the one that precedes it: a power failure may take away
// everything that is not on disk.
func (v *victim) inOrder(points []string, wanted ...string) {
	v.Helper()
	v.mustHave(points, wanted...)
	last := -1
	for _, want := range wanted {
		n := slices.IndexFunc(points, func(p string) bool { return strings.Contains(p, want) && !strings.Contains(p, "/#…") })
		if n <= last {
			v.Errorf("%q comes too early in\n%s", want, strings.Join(points, "\n"))
		}
		last = n
	}
}

// whole checks that the manifest has the content of one of two changes.
func (v *victim) whole(n, m int) {
	v.Helper()
	text, err := os.ReadFile(v.declared)
	if err != nil || string(text) != v.manifest(n) && string(text) != v.manifest(m) {
		v.Fatalf("%v, the manifest is\n%s", err, text)
	}
}

// done checks that manifest and system have the content of a change, and that it is
// committed if the command makes commits.
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
