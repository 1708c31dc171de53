package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"bkt/internal/ui"

	"github.com/rogpeppe/go-internal/testscript"
)

// untouched is the script command "untouched STATUS[,STATUS…] PROGRAM ARGS…": the
// program has to end with one of these statuses, and leave all that is below the
// script's folder as it was, the home, the repository and what is in their folders:
// names, modes, contents, and when they were last changed.
func untouched(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: untouched STATUS[,STATUS…] PROGRAM ARGS…")
	}
	before := snapshot(ts)
	err := ts.Exec(args[1], args[2:]...)
	status := 0
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		status = e.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	after := snapshot(ts)
	for _, path := range slices.Sorted(maps.Keys(after)) {
		if was, there := before[path]; !there {
			ts.Fatalf("%s is new", path)
		} else if was != after[path] {
			ts.Fatalf("%s was %s and is %s", path, was, after[path])
		}
	}
	for path := range before {
		if _, there := after[path]; !there {
			ts.Fatalf("%s is gone", path)
		}
	}
	if !slices.Contains(strings.Split(args[0], ","), strconv.Itoa(status)) {
		ts.Fatalf("exit status %d, not %s", status, args[0])
	}
}

// snapshot returns what there is below the script's folder, but for what the
// stand-ins write down of how they were called.
func snapshot(ts *testscript.TestScript) map[string]string {
	all := map[string]string{}
	root := ts.Getenv("WORK")
	ts.Check(filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == ts.Getenv("CALLS") || path == filepath.Dir(ts.Getenv("CALLS")) {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content := ""
		switch {
		case info.Mode().IsRegular():
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			content = fmt.Sprintf("%x", sha256.Sum256(text))
		case info.Mode()&fs.ModeSymlink != 0:
			if content, err = os.Readlink(path); err != nil {
				return err
			}
		}
		all[path] = fmt.Sprintln(info.Mode(), info.ModTime().UnixNano(), content)
		return nil
	}))
	return all
}

// acting are the commands that act and have no --check: what they do needs an
// engine, a registry or a terminal.
var acting = []string{"build", "test", "push", "drift resolve"}

// TestDryRunsAreTried checks that the script of dry runs has each command that can be
// one, in both ways, and each that only looks. The commands are those of the command
// line itself: a new one has to be tried as well, or to be among those that act.
func TestDryRunsAreTried(t *testing.T) {
	text, err := os.ReadFile("testdata/tier2/dry-runs.txtar")
	if err != nil {
		t.Fatal(err)
	}
	parser, _, err := (&app{Printer: ui.Printer{Out: t.Output(), Err: t.Output()}}).parser(context.Background(), commands()...)
	if err != nil {
		t.Fatal(err)
	}
	tried := triedIn(string(text))
	for _, leaf := range parser.Model.Leaves(false) {
		name := strings.TrimPrefix(leaf.Path(), "bkt ")
		dry := false
		for _, f := range leaf.Flags {
			if f.Name != "check" && f.Name != "dry-run" {
				continue
			}
			dry = true
			if !tried(name, "--"+f.Name) {
				t.Errorf("bkt %s --%s is not tried", name, f.Name)
			}
		}
		if !dry && !slices.Contains(acting, name) && !tried(name, "") {
			t.Errorf("bkt %s is not tried, nor is it among the commands that act", name)
		}
	}
}

// triedIn returns what tells whether a script tries a command with a flag.
func triedIn(script string) func(name, flag string) bool {
	return func(name, flag string) bool {
		for line := range strings.Lines(script) {
			words := strings.Fields(strings.TrimPrefix(strings.TrimPrefix(line, "[!real] "), "[real] "))
			if len(words) < 4 || words[0] != "untouched" || words[2] != "bkt" {
				continue
			}
			call := strings.Join(words[3:], " ")
			if (call == name || strings.HasPrefix(call, name+" ")) && (flag == "" || slices.Contains(words, flag)) {
				return true
			}
		}
		return false
	}
}
