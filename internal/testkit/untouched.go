package testkit

import (
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
	status := run(ts, args[1:])
	if difference := compare(before, snapshot(ts)); difference != "" {
		ts.Fatalf("%s", difference)
	}
	if !slices.Contains(strings.Split(args[0], ","), strconv.Itoa(status)) {
		ts.Fatalf("exit status %d, not %s", status, args[0])
	}
}

// pending is the script command "pending PROGRAM ARGS…": the command has something to
// do. With --dry-run it ends with status 0, with --check with status 2; both change
// nothing, and "bkt drift" prints the same before and after. Without these flags, the
// command changes something.
func pending(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: pending PROGRAM ARGS…")
	}
	drift := driftOf(ts)
	untouched(ts, false, append([]string{"0"}, append(args, "--dry-run")...))
	untouched(ts, false, append([]string{"2"}, append(args, "--check")...))
	if now := driftOf(ts); now != drift {
		ts.Fatalf("bkt drift printed\n%s\nand prints\n%s", drift, now)
	}
	before := snapshot(ts)
	if status := run(ts, args); status != 0 {
		ts.Fatalf("exit status %d", status)
	}
	if compare(before, snapshot(ts)) == "" {
		ts.Fatalf("it changed nothing")
	}
}

// driftOf returns what "bkt drift" prints, and its exit status.
func driftOf(ts *testscript.TestScript) string {
	status := run(ts, []string{"bkt", "drift"})
	return ts.ReadFile("stdout") + "exit status " + strconv.Itoa(status)
}

// run runs a program and returns its exit status.
func run(ts *testscript.TestScript, args []string) int {
	err := ts.Exec(args[0], args[1:]...)
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return e.ExitCode()
	}
	ts.Check(err)
	return 0
}

// compare returns how two snapshots differ, "" if they do not.
func compare(before, after map[string]string) string {
	for _, path := range slices.Sorted(maps.Keys(after)) {
		if was, existed := before[path]; !existed {
			return path + " is new"
		} else if was != after[path] {
			return fmt.Sprintf("%s was %s and is %s", path, was, after[path])
		}
	}
	for path := range before {
		if _, exists := after[path]; !exists {
			return path + " is gone"
		}
	}
	return ""
}

// snapshot returns the state of everything below the script's folder by its path,
// except the file in which the stand-ins record their calls.
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
