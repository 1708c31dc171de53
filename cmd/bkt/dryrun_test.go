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
// program must end with one of these statuses and change nothing below the script's
// folder, which has the home and the repository: no name, mode, content or time of the
// last change.
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

// snapshot returns the state of everything below the script's folder by its path,
// except the file in which the stand-ins note their calls.
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

// acting are the commands that change something and have no --check: they need an
// engine, a registry or a terminal.
var acting = []string{"build", "test", "push", "drift resolve"}

// TestDryRunsAreTried checks that the script of dry runs tries --check and --dry-run of
// each command that has them, and each command that changes nothing. The command line
// itself gives the commands: a new one must be tried, or be listed in acting.
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

// triedIn returns a function that reports whether a script tries a command with a flag.
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
