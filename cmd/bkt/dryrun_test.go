package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bkt/internal/ui"
)

// acting are the commands that change something and have no --check: they need an
// engine, a registry or a terminal.
var acting = []string{"build", "test", "push", "drift resolve", "merge-manifest"}

// pendingElsewhere is a script for commands with something to do that cannot run with
// the stand-ins.
var pendingElsewhere = "../../e2e/images/testdata/base-update.txtar"

// TestDryRunsAreTried checks that the script of dry runs tries --check and --dry-run of
// each command that has them, and each command that changes nothing; and that a script
// tries each command with --check where it has something to do. The commands come from
// the command line itself: a new one must be tried, or be listed in acting.
func TestDryRunsAreTried(t *testing.T) {
	looks := triedIn("untouched", 2, read(t, "testdata/tier2/dry-runs.txtar"))
	scripts, err := filepath.Glob("testdata/tier2/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, name := range append(scripts, pendingElsewhere) {
		text += read(t, name) + "\n"
	}
	acts := triedIn("pending", 1, text)
	parser, _, err := (&app{Printer: ui.Printer{Out: t.Output(), Err: t.Output()}}).parser(context.Background(), commands()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(false) {
		name := strings.TrimPrefix(leaf.Path(), "bkt ")
		dry := false
		for _, f := range leaf.Flags {
			if f.Name != "check" && f.Name != "dry-run" {
				continue
			}
			dry = true
			if !looks(name, "--"+f.Name) {
				t.Errorf("bkt %s --%s is not tried", name, f.Name)
			}
			if f.Name == "check" && !acts(name, "") {
				t.Errorf("bkt %s is not tried where it has something to do", name)
			}
		}
		if !dry && !slices.Contains(acting, name) && !looks(name, "") {
			t.Errorf("bkt %s is not tried, nor is it among the commands that act", name)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// triedIn returns a function that reports whether a script tries a command with a flag,
// by a script command that bkt follows after so many words.
func triedIn(by string, after int, script string) func(name, flag string) bool {
	return func(name, flag string) bool {
		for line := range strings.Lines(script) {
			words := strings.Fields(strings.TrimPrefix(strings.TrimPrefix(line, "[!real] "), "[real] "))
			if len(words) < after+2 || words[0] != by || words[after] != "bkt" {
				continue
			}
			call := strings.Join(words[after+1:], " ")
			if (call == name || strings.HasPrefix(call, name+" ")) && (flag == "" || slices.Contains(words, flag)) {
				return true
			}
		}
		return false
	}
}
