package testkit

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// programsEnv is a folder that has the programs already: the Makefile builds them
// once for all tests.
const programsEnv = "BKT_TEST_PROGRAMS"

// programNames are bkt, its engine, the server of packages, and the init of the
// images that the engine's tests build.
var programNames = []string{"bkt", "bkt-engine", "serve", "init"}

// Programs returns a folder with the programs that tests run. Every user can run
// them. It is the same folder for all tests of a package.
func Programs(t testing.TB) string {
	t.Helper()
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "bkt")
	if err != nil {
		return "", err
	}
	onRelease(func() error { return os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", err
	}
	if from := os.Getenv(programsEnv); from != "" {
		return dir, copyPrograms(from, dir)
	}
	return dir, buildPrograms(dir)
})

// copyPrograms runs cp: a program that this process had open for writing could
// not be run while a child that it starts at that moment has it open, too.
func copyPrograms(from, to string) error {
	args := []string{"--"}
	for _, name := range programNames {
		path := filepath.Join(from, name)
		if _, err := os.Stat(path); err != nil { // go test caches no result of another program
			return fmt.Errorf("%s: %w", programsEnv, err)
		}
		args = append(args, path)
	}
	out, err := exec.Command("cp", append(args, to)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s=%s: %w\n%s", programsEnv, from, err, out)
	}
	return nil
}

func buildPrograms(dir string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	if err := watchSources(root); err != nil {
		return err
	}
	if err := Compile(root, dir, "-tags=containers_image_openpgp", "./cmd/bkt", "./cmd/bkt-engine", "./cmd/bkt-engine/testdata/init"); err != nil {
		return err
	}
	return Compile(filepath.Join(root, "scripts"), dir, "./serve")
}

// watchSources lists every folder with sources, so that go test runs a test again when
// they have changed, instead of using a cached result.
func watchSources(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || path == root {
			return err
		}
		if name := d.Name(); strings.HasPrefix(name, ".") || name == "bin" || name == "build" {
			return fs.SkipDir
		}
		return nil
	})
}

// Compile builds programs of the module in dir into bin.
func Compile(dir, bin string, args ...string) error {
	build := exec.Command("go", append([]string{"build", "-C", dir, "-o", bin + "/"}, args...)...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}
