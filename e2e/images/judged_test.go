package images_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bkt/internal/finding"
	"bkt/internal/hook/hooktest"
	"bkt/internal/testkit"
)

// The judged hooks that may get the wrong verdict, of all of them: good ones that the lint
// or running them rejects, and bad ones that neither does.
const (
	maxRefused = 0
	maxMissed  = 0
)

// TestJudgedHooks checks and runs judged hooks, each container in the same image and with
// the same engine, and prints the verdicts of the lint and of running them.
func TestJudgedHooks(t *testing.T) {
	t.Parallel()
	w := testkit.SharedWorkshop(t).WithOwnEngine(t) // the scripts ask theirs for its disk usage, which waits for this one
	all := map[string]hooktest.Container{}          // by the name of a container
	for i, c := range hooktest.Read(t) {
		if (c.Quick || testkit.Full()) && canRun(c) {
			all[fmt.Sprintf("c%03d", i)] = c
		}
	}
	found := runJudged(t, w, all)
	var m matrix
	for _, name := range slices.Sorted(maps.Keys(all)) {
		c := all[name]
		lint, result, why := verdicts(found[name])
		if result != c.Result {
			t.Errorf("%q: %s (%s): running them ends with %q, not %q\n%s", c.Hooks, c.Verdict, c.Reason, result, c.Result, why)
		}
		m.add(c, lint, result)
	}
	t.Logf("\n%s", m)
	if m.refused > maxRefused || m.missed > maxMissed {
		t.Errorf("%d good containers are rejected, and %d bad ones are not", m.refused, m.missed)
	}
}

// canRun reports whether the hooks of c can run in the image. The base image is of the
// family of this machine's system.
func canRun(c hooktest.Container) bool {
	if c.Needs == "apt" || c.Needs == "dash" {
		_, err := exec.LookPath("apt-get")
		return err == nil && c.Result != "-"
	}
	return c.Result != "-"
}

// A judgedFinding is a finding about the hooks of a container.
type judgedFinding struct {
	Rule, Message string
	Level         finding.Level
	Output        []string
}

// runJudged runs "bkt hook check --run" for containers, and returns the findings by
// container.
func runJudged(t *testing.T, w *testkit.Workshop, all map[string]hooktest.Container) map[string][]judgedFinding {
	t.Helper()
	dir := t.TempDir()
	testkit.CopyTree(t, "testdata/judged", dir)
	copyGit(t, filepath.Join(dir, "toolbox", "git"))
	manifest := map[string]any{}
	for name, c := range all {
		var hooks []any
		for _, h := range c.Hooks {
			hooks = append(hooks, map[string]string{"run": h, "as": c.User})
		}
		manifest[name] = map[string]any{"image": "example.org/judged", "init_hooks": hooks}
	}
	text, err := json.Marshal(map[string]any{"containers": manifest})
	if err := errors.Join(err, os.WriteFile(filepath.Join(dir, "manifests", "distrobox.json"), text, 0o644)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(w.Bin, "bkt"), "hook", "check", "--run", "--json", "--progress=quiet",
		"--build-context=example.org/base:1=oci-layout://"+filepath.Join(w.Offline, "base"), "--build-arg=http_proxy="+w.Proxy)
	cmd.Dir, cmd.Env = dir, w.Env()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var report struct {
		Findings []struct {
			judgedFinding
			Container string
		}
	}
	if errJSON := json.Unmarshal(out, &report); errJSON != nil {
		t.Fatalf("%v, %v\n%s", err, errJSON, &stderr)
	}
	found := map[string][]judgedFinding{}
	for _, f := range report.Findings {
		found[f.Container] = append(found[f.Container], f.judgedFinding)
	}
	return found
}

// copyGit copies the git of this machine, without the rest of its package.
func copyGit(t *testing.T, to string) {
	t.Helper()
	testkit.Need(t, "git")
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	testkit.CopyFile(t, git, to)
}

// verdicts tells the verdict of the lint from the result of running hooks, and returns what
// running them has found.
func verdicts(found []judgedFinding) (lint bool, result, why string) {
	result = "accept"
	for _, f := range found {
		switch name := strings.TrimPrefix(f.Rule, "hook/"); name {
		case "not-run":
			if result == "accept" {
				result = "not run"
			}
		case "runs", "run-twice", "leftover":
			result = "reject"
		default:
			lint = lint || f.Level == finding.Error
			continue
		}
		why += fmt.Sprintf("    %s\n    %s\n", f.Message, strings.Join(f.Output, "\n    "))
	}
	return lint, result, why
}

// A matrix counts verdicts.
type matrix struct {
	rows            map[string]*[5]int // by the verdict of a person
	refused, missed int
}

// add adds a container, and whether the lint rejects it.
func (m *matrix) add(c hooktest.Container, lint bool, result string) {
	if m.rows == nil {
		m.rows = map[string]*[5]int{}
	}
	row := m.rows[c.Verdict]
	if row == nil {
		row = new([5]int)
		m.rows[c.Verdict] = row
	}
	row[0]++
	if lint {
		row[1]++
	}
	row[2+slices.Index([]string{"accept", "reject", "not run"}, result)]++
	rejected := lint || result == "reject"
	switch {
	case c.IsGood() && rejected:
		m.refused++
	case !c.IsGood() && !rejected:
		m.missed++
	}
}

func (m matrix) String() string {
	text := fmt.Sprintf("%-28s %5s %14s %14s %14s %8s\n", "verdict", "all", "lint rejects", "run accepts", "run rejects", "not run")
	for _, verdict := range slices.Sorted(maps.Keys(m.rows)) {
		r := m.rows[verdict]
		text += fmt.Sprintf("%-28s %5d %14d %14d %14d %8d\n", verdict, r[0], r[1], r[2], r[3], r[4])
	}
	return text + fmt.Sprintf("good ones rejected: %d; bad ones not rejected: %d\n", m.refused, m.missed)
}
