package upgrade

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/distrobox"
	"bkt/internal/hint"
	"bkt/internal/plan"
)

// A recorder is a [pipeline.Log] that keeps notes.
type recorder struct{ notes []string }

func (r *recorder) Note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}
func (r *recorder) Warn([]error)   {}
func (r *recorder) Log() io.Writer { return io.Discard }

// newCandidate returns a candidate with a stand-in for podman in dir, which knows one
// image and fails when it is called with fail.
func newCandidate(t *testing.T, dir, id string, undo plan.Step, stages ...plan.Step) Candidate {
	t.Helper()
	podman := filepath.Join(dir, "podman")
	script := "#!/bin/sh\necho \"$*\" >>" + dir + "/calls\ncase $1 in image) echo sha256:0123;; fail) echo cannot >&2; exit 1;; esac\n"
	if err := os.WriteFile(podman, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	p := Plan{
		Container: "dev", Image: "localhost/dev:1", Manager: podman,
		domain:  distrobox.Domain{Missing: true}, // nothing can be observed
		Upgrade: distrobox.Upgrade{Undo: distrobox.Stage{Title: "undo", Steps: []plan.Step{undo}}},
	}
	for i, s := range stages {
		p.Stages = append(p.Stages, distrobox.Stage{Title: fmt.Sprintf("stage %d", i+1), Steps: []plan.Step{s}})
	}
	return Candidate{p, id}
}

func TestExecuteFails(t *testing.T) {
	for _, test := range []struct {
		name    string
		id      string
		undo    string
		outcome Outcome
		errs    []string // texts of the error
		calls   string   // calls of podman, except for inspecting the image
		advice  string   // in a hint
	}{
		{"a stage fails", "0123", "back", RolledBack, []string{"dev: stage 2: podman: exit status 1: cannot"}, "first fail back", ""},
		{"the rollback fails, too", "0123", "fail", None, []string{"dev: stage 2: podman: exit status 1", "dev: undo: podman: exit status 1"}, "first fail fail", "ps --all"},
		{"the image was replaced", "4567", "back", None, []string{"image localhost/dev:1: it was replaced while its hooks were checked"}, "back", "run the command again"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			run := func(arg string) plan.Step { return plan.Run{Argv: []string{filepath.Join(dir, "podman"), arg}} }
			c := newCandidate(t, dir, test.id, run(test.undo), run("first"), run("fail"), run("never"))
			log := &recorder{}
			outcome, err := c.Execute(t.Context(), log)
			if outcome != test.outcome || err == nil {
				t.Fatalf("outcome %q, error %v", outcome, err)
			}
			for _, text := range test.errs {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("error %v, without %q", err, text)
				}
			}
			if hints := strings.Join(hint.Of(err), "\n"); !strings.Contains(hints, test.advice) {
				t.Errorf("hints %q", hints)
			}
			if got := calls(t, dir); got != test.calls {
				t.Errorf("podman was called with %q, not %q", got, test.calls)
			}
			if got := strings.Contains(strings.Join(log.notes, "\n"), "rolled back"); got != (outcome == RolledBack) {
				t.Errorf("notes %q", log.notes)
			}
		})
	}
}

// TestAbandonTriesEveryStep checks that a step that fails does not keep the next one
// from being tried.
func TestAbandonTriesEveryStep(t *testing.T) {
	dir := t.TempDir()
	run := func(arg string) plan.Step { return plan.Run{Argv: []string{filepath.Join(dir, "podman"), arg}} }
	c := newCandidate(t, dir, "0123", run("fail"))
	c.Undo.Steps = append(c.Undo.Steps, run("last"))
	if err := c.Abandon(t.Context()); err == nil {
		t.Error("no error")
	}
	if got := calls(t, dir); got != "fail last" {
		t.Errorf("podman was called with %q", got)
	}
}

// calls returns the arguments of the stand-in for podman, without questions about
// images.
func calls(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "image ") {
			all = append(all, strings.TrimSpace(line))
		}
	}
	return strings.Join(all, " ")
}
