package main

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite the expected output in the scripts")

// TestMain lets the scripts run bkt as if it were installed, and the stand-ins.
func TestMain(m *testing.M) {
	programs := map[string]func(){"bkt": main}
	for name, run := range standIns() {
		programs["standin-"+name] = run
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
			"exit":     exit,
			"generate": generate,
			"steps":    steps,
			"sub":      sub,
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

// TestPanicIsNoSuccess checks that a mistake in bkt itself does not end as if
// all were well.
func TestPanicIsNoSuccess(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	status := run([]string{"--version"}, broken{}, io.Discard)
	t.Errorf("status %d", status)
}

type broken struct{}

func (broken) Write([]byte) (int, error) { panic("broken") }
