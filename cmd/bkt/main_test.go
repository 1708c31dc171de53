package main

import (
	"errors"
	"flag"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/containerfile"
	"bkt/internal/crash"
	"bkt/internal/ui"
	"bkt/internal/version"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite the expected output in the scripts")

// TestMain lets the scripts run bkt as if it were installed, and the stand-ins.
// Who runs the tests by sudo is root for no one else in them.
func TestMain(m *testing.M) {
	programs := map[string]func(){"bkt": main}
	for name, run := range standIns() {
		programs["standin-"+name] = run
	}
	if _, ok := programs[filepath.Base(os.Args[0])]; !ok {
		for _, name := range byUser {
			os.Unsetenv(name)
		}
	}
	testscript.Main(m, programs)
}

func TestScript(t *testing.T) {
	p := params("testdata/script")
	p.Setup = isolate
	testscript.Run(t, p)
}

// params are those of all scripts.
func params(dir string) testscript.Params {
	return testscript.Params{
		Dir:                 dir,
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exit":      exit,
			"generate":  generate,
			"steps":     steps,
			"sub":       sub,
			"untouched": untouched,
		},
	}
}

// isolate keeps bkt away from the home of who runs the test, and from the units
// and boxes of this computer.
func isolate(env *testscript.Env) error {
	env.Setenv("DBX_CONTAINER_MANAGER", "none")
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

// TestPanicIsAnError checks that a mistake in bkt itself ends neither as if all
// were well nor as if there were something to do, and that it says what it is.
func TestPanicIsAnError(t *testing.T) {
	t.Chdir(t.TempDir())
	if status := run([]string{"-q", "init", ".", "--name=x"}, io.Discard, io.Discard); status != 0 {
		t.Fatal("init failed")
	}
	tests := []struct {
		name  string
		args  []string
		stack bool
	}{
		{"in the command line", []string{"--version"}, false},
		{"in a command", []string{"containerfile", "check"}, false},
		{"with JSON", []string{"--json", "containerfile", "check"}, false},
		{"quiet", []string{"-q", "toolbox", "list", "--json"}, false},
		{"verbose", []string{"-v", "containerfile", "check"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stderr strings.Builder
			if status := run(tt.args, broken{}, &stderr); status != 1 {
				t.Errorf("status %d, want 1", status)
			}
			for _, want := range []string{
				"bkt: error: internal error: broken; this is a bug in bkt " + version.String() + "\n",
				"bkt: hint: report it with what you ran, and with where it was: bkt.broken.Write (bkt/main_test.go:",
			} {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("%q is not in\n%s", want, stderr.String())
				}
			}
			if got := strings.Contains(stderr.String(), "cmd/bkt.(*app).run\n\t/"); got != tt.stack {
				t.Errorf("stack: %v, want %v:\n%s", got, tt.stack, stderr.String())
			}
			if got := strings.Contains(stderr.String(), "run it again with -v"); got == tt.stack {
				t.Errorf("hint of -v: %v:\n%s", got, stderr.String())
			}
		})
	}
}

// TestPanicInGoroutine checks that a mistake is an error, too, where bkt does
// things side by side.
func TestPanicInGoroutine(t *testing.T) {
	a := &app{Printer: ui.Printer{Out: io.Discard, Err: io.Discard}}
	names := []string{"Containerfile", "toolbox/Containerfile"}
	side := func() (err error) {
		defer crash.Recover(&err)
		_, err = containerfile.RenderAll(t.Context(), a, brokenFS{}, names, containerfile.Unchanged)
		return err
	}
	if _, ok := errors.AsType[*crash.Error](side()); !ok {
		t.Error("is no error of bkt's own")
	}
}

type brokenFS struct{}

func (brokenFS) Open(string) (fs.File, error) { panic("broken") }

type broken struct{}

func (broken) Write([]byte) (int, error) { panic("broken") }
