package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/containerfile"
	"bkt/internal/crash"
	"bkt/internal/testkit"
	"bkt/internal/testkit/killpoint"
	"bkt/internal/ui"
	"bkt/internal/version"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts run bkt and the stand-ins as if they were installed.
func TestMain(m *testing.M) {
	killpoint.Main()
	programs := map[string]func(){"bkt": main}
	for name, run := range standIns() {
		programs["standin-"+name] = run
	}
	if _, ok := programs[filepath.Base(os.Args[0])]; !ok {
		testkit.UnsetPlace()
	}
	testscript.Main(m, programs)
}

func TestScript(t *testing.T) {
	t.Parallel()
	p := testkit.Params("testdata/script")
	p.Setup = testkit.Isolate
	testscript.Run(t, p)
}

// TestPanicIsAnError checks that after a panic bkt exits with neither 0 nor 2, and says
// that this is a bug.
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
				"bkt: hint: report it with the command that you ran and this location: bkt.broken.Write (bkt/main_test.go:",
			} {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("%q is not in\n%s", want, stderr.String())
				}
			}
			if got := strings.Contains(stderr.String(), "cmd/bkt.(*app).run\n\t"); got != tt.stack {
				t.Errorf("stack: %v, want %v:\n%s", got, tt.stack, stderr.String())
			}
			if got := strings.Contains(stderr.String(), "run the command again with -v"); got == tt.stack {
				t.Errorf("hint of -v: %v:\n%s", got, stderr.String())
			}
		})
	}
}

// TestPanicInGoroutine checks that a panic in a goroutine becomes an error, too.
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
