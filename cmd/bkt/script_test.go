package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v3"
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

// A workflow is what is read here of one of GitHub's.
type workflow struct {
	Jobs map[string]struct {
		Steps []struct{ Name, If, Run string }
	}
}

// isOutput is the only kind of condition that steps understands.
var isOutput = regexp.MustCompile(`^\$\{\{ steps\.\w+\.outputs\.(\w+) == '(\w+)' \}\}$`)

// steps is the script command "steps WORKFLOW JOB SCRIPT NAME…": SCRIPT becomes
// one for bash that runs the steps of those names as GitHub does, in the order
// of the workflow, and ends with the first that fails.
func steps(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: steps WORKFLOW JOB SCRIPT NAME…")
	}
	var w workflow
	ts.Check(yaml.Unmarshal([]byte(ts.ReadFile(args[0])), &w))
	var script strings.Builder
	wanted := args[3:]
	for _, s := range w.Jobs[args[1]].Steps {
		if !slices.Contains(wanted, s.Name) {
			continue
		}
		wanted = slices.DeleteFunc(wanted, func(name string) bool { return name == s.Name })
		condition := "true"
		if s.If != "" {
			output := isOutput.FindStringSubmatch(s.If)
			if output == nil {
				ts.Fatalf("%s: step %s: cannot tell if %s", args[0], s.Name, s.If)
			}
			condition = fmt.Sprintf("grep -qx %s=%s \"$GITHUB_OUTPUT\"", output[1], output[2])
		}
		fmt.Fprintf(&script, "if %s; then\necho 'step %s'\nbash -eo pipefail -c %s\nfi || exit\n", condition, s.Name, quote(s.Run))
	}
	if len(wanted) > 0 {
		ts.Fatalf("%s: job %s has no step %s", args[0], args[1], strings.Join(wanted, ", "))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(script.String()), 0o644))
}

// quote quotes a word for the shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
