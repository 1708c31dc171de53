package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// exit is the script command "exit STATUS PROGRAM ARGS…": the program has to
// end with that status, which "! exec" leaves open.
func exit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exit STATUS PROGRAM ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		got = e.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit status %d, not %d", got, want)
	}
}

// generate is the script command "generate FILE PREFIX TEXT COUNT SUFFIX", for
// files too large or too odd to stand in a script: TEXT is repeated COUNT
// times. The strings are written like Go's.
func generate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 5 {
		ts.Fatalf("usage: generate FILE PREFIX TEXT COUNT SUFFIX")
	}
	text := func(s string) []byte {
		u, err := strconv.Unquote(`"` + s + `"`)
		ts.Check(err)
		return []byte(u)
	}
	count, err := strconv.Atoi(args[3])
	ts.Check(err)
	data := append(text(args[1]), bytes.Repeat(text(args[2]), count)...)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), append(data, text(args[4])...), 0o644))
}

// sub is the script command "sub FILE OLD NEW": the first OLD in the file
// becomes NEW.
func sub(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: sub FILE OLD NEW")
	}
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o644))
}
