package testkit

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "rewrite the expected output in the scripts")

// Params returns the parameters that all scripts in dir share.
func Params(dir string) testscript.Params {
	return testscript.Params{
		Dir:                 dir,
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await":     await,
			"example":   example,
			"exit":      exit,
			"generate":  generate,
			"pending":   pending,
			"steps":     steps,
			"sub":       sub,
			"typing":    typing,
			"untouched": untouched,
			"valid":     valid,
		},
	}
}

// Isolate keeps bkt away from the home of the user who runs the test, and from the
// units and containers of this computer.
func Isolate(env *testscript.Env) error {
	env.Setenv("DBX_CONTAINER_MANAGER", "none")
	env.Setenv("BKT_HERE", os.Getenv("BKT_HERE"))
	for name, dir := range map[string]string{
		"HOME":            "home",
		"XDG_RUNTIME_DIR": "run",
		"XDG_DATA_HOME":   "home/.local/share",
		"XDG_CONFIG_HOME": "home/.config",
		"XDG_CACHE_HOME":  "home/.cache",
		"XDG_STATE_HOME":  "home/.local/state",
	} {
		path := filepath.Join(env.WorkDir, ".test", dir)
		if err := os.MkdirAll(path, 0o700); err != nil {
			return err
		}
		env.Setenv(name, path)
	}
	env.Setenv("BKT_SYSTEMD_ROOT", filepath.Join(env.WorkDir, ".test", "root"))
	env.Setenv("XDG_CONFIG_DIRS", filepath.Join(env.WorkDir, ".test", "xdg"))
	return nil
}

// FullCondition is whether a script's condition [full] holds: it does where the slower
// tests run, too.
func FullCondition(name string) (bool, error) {
	if name != "full" {
		return false, fmt.Errorf("unknown condition %q", name)
	}
	return Full(), nil
}

// await is the script command "await PATTERN PROGRAM ARGS…": it runs the program
// again and again until it succeeds and its standard output matches the pattern.
// It is for what another process does in its own time.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: await PATTERN PROGRAM ARGS…")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.After(2 * time.Minute)
	for {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			ts.Fatalf("no output of %q matches %s", args[1:], args[0])
		}
	}
}

// exit is the script command "exit STATUS PROGRAM ARGS…": the program must end with
// that status; "! exec" accepts any status but 0.
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

// example is the script command "example STATUS COMMAND…": it runs an example of a help text
// by a shell, which must end with that status. Words are quoted as in a shell; "#" begins a
// comment.
func example(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: example STATUS COMMAND…")
	}
	var line []string
	for _, word := range args[1:] {
		if !strings.HasPrefix(word, ">") {
			word = quote(word)
		}
		line = append(line, word)
	}
	exit(ts, false, []string{args[0], "sh", "-c", strings.Join(line, " ")})
}

// generate is the script command "generate FILE PREFIX TEXT COUNT SUFFIX", for files
// that are too large or too odd for a script. It repeats TEXT COUNT times. The strings
// are written like those of Go.
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

// sub is the script command "sub FILE OLD NEW": it replaces the first OLD in the file
// by NEW.
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

// A workflow is the part of a GitHub workflow, or action, that steps reads.
type workflow struct {
	Jobs map[string]job
	Runs job
}

type job struct {
	Steps []struct{ Name, If, Run string }
}

// isOutput and isTask are the kinds of conditions that steps understands. The script names
// the steps of one task, so that those of the second kind hold.
var (
	isOutput = regexp.MustCompile(`^\$\{\{ steps\.\w+\.outputs\.(\w+) == '(\w+)' \}\}$`)
	isTask   = regexp.MustCompile(`^\$\{\{ inputs\.task == '[\w-]+'( \|\| inputs\.task == '[\w-]+')* \}\}$|^\$\{\{ steps\.\w+\.outputs\.\w+ != '' \}\}$`)
)

// steps is the script command "steps WORKFLOW JOB SCRIPT NAME…": it writes a script
// for bash that runs the steps of those names as GitHub does, in the order of the
// workflow, and ends at the first failure. The JOB of an action is "runs".
func steps(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: steps WORKFLOW JOB SCRIPT NAME…")
	}
	var w workflow
	ts.Check(yaml.Unmarshal([]byte(ts.ReadFile(args[0])), &w))
	var script strings.Builder
	wanted, from := args[3:], w.Jobs[args[1]]
	if args[1] == "runs" {
		from = w.Runs
	}
	for _, s := range from.Steps {
		if !slices.Contains(wanted, s.Name) {
			continue
		}
		wanted = slices.DeleteFunc(wanted, func(name string) bool { return name == s.Name })
		condition := "true"
		if s.If != "" && !isTask.MatchString(s.If) {
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

// Update reports whether tests rewrite the expected output, instead of comparing it.
func Update() bool { return *update }
