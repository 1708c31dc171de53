package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bkt/internal/buildkit"
	"bkt/internal/buildspec"
	"bkt/internal/engine/contract"
	"bkt/internal/engineclient"
	"bkt/internal/ocilayout"
	"bkt/internal/testkit"
)

// clientEnv makes the test binary a client, and names the folder of its world;
// errandEnv names its task.
const (
	clientEnv = "BKT_TEST_CLIENT"
	errandEnv = "BKT_TEST_ERRAND"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(clientEnv); dir != "" {
		os.Exit(client(dir))
	}
	testkit.Main(m)
}

// world is a folder with the input and output of a test's builds.
type world struct {
	Dir     string
	Address string // of the engine; empty: its own
	Base    ocilayout.Image
	Program string
	Network *contract.NetworkRequest // that a client asks for before it builds
	Steps   string                   // the network of steps; see buildkit.Builder
}

func newWorld(t *testing.T) world {
	t.Helper()
	testkit.Need(t, "runc")
	if os.Geteuid() != 0 {
		testkit.Need(t, "newuidmap", "newgidmap")
	}
	dir, err := os.MkdirTemp("", "bkt") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	w := world{Dir: dir, Program: filepath.Join(testkit.Programs(t), "bkt-engine")}
	t.Cleanup(func() {
		if _, err := engineclient.Stop(context.Background(), w.config()); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(w.config().Root, "engine.log"))
			t.Logf("engine.log:\n%s", log)
		}
		os.RemoveAll(dir)
	})
	w.Base = writeBase(t, filepath.Join(dir, "base"))
	w.write(t, "context/input", "hello")
	return w
}

func (w world) config() engineclient.Config {
	return engineclient.Config{
		Address: w.Address,
		Root:    filepath.Join(w.Dir, "root"),
		Socket:  filepath.Join(w.Dir, "run", "engine.sock"),
		Program: w.Program,
	}
}

// spec is a build of the Containerfile in the world's context.
func (w world) spec() buildspec.Spec {
	return buildspec.Spec{
		Containerfile: "Containerfile",
		Context:       filepath.Join(w.Dir, "context"),
		Images:        map[string]ocilayout.Image{"example.org/base": w.Base},
	}
}

func (w world) write(t *testing.T, name, text string) {
	t.Helper()
	name = filepath.Join(w.Dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// containerfile writes a Containerfile that is based on the world's image.
func (w world) containerfile(t *testing.T, steps ...string) {
	t.Helper()
	w.write(t, "context/Containerfile", "FROM example.org/base\n"+strings.Join(steps, "\n")+"\n")
}

func (w world) build(ctx context.Context, log io.Writer) (ocilayout.Image, error) {
	return buildkit.Builder{Config: w.config(), Progress: "plain", Network: w.Steps}.Build(ctx, w.spec(), filepath.Join(w.Dir, "out"), log)
}

// mustBuild builds and returns the progress too.
func (w world) mustBuild(t *testing.T) (ocilayout.Image, string) {
	t.Helper()
	var log bytes.Buffer
	l, err := w.build(t.Context(), &log)
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	return l, log.String()
}

// client does an errand in the world in dir, as another user or in a process that a
// test can kill: it builds the world, or prints the answer to another errand.
func client(dir string) int {
	data, err := os.ReadFile(filepath.Join(dir, "world.json"))
	var w world
	if err == nil {
		err = json.Unmarshal(data, &w)
	}
	if err == nil {
		err = w.run(os.Getenv(errandEnv))
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// answer is the result of an errand.
type answer struct {
	Freed  int64
	Left   engineclient.Disk
	Engine engineclient.Engine
}

func (w world) run(errand string) (err error) {
	var a answer
	ctx := context.Background()
	switch errand {
	case "prune":
		a.Freed, a.Left, err = engineclient.Prune(ctx, w.config(), false)
	case "status":
		a.Engine, err = engineclient.Status(ctx, w.config())
	case "stop":
		_, err = engineclient.Stop(ctx, w.config())
	default:
		return w.buildWithNetwork(ctx, os.Stdout)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(a)
}

// clientCommand returns a process that builds w.
func (w world) clientCommand(t *testing.T) *exec.Cmd {
	t.Helper()
	data, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "world.json", string(data))
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), clientEnv+"="+w.Dir)
	return cmd
}

// limit is how long a test waits for something. It is generous: other programs may
// keep this machine busy.
const limit = 3 * time.Minute

// watch is a writer that closes seen when a text has been written.
type watch struct {
	text string
	seen chan struct{}

	mu  sync.Mutex
	all bytes.Buffer
}

func watchFor(text string) *watch { return &watch{text: text, seen: make(chan struct{})} }

func (w *watch) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := strings.Contains(w.all.String(), w.text)
	w.all.Write(p)
	if !before && strings.Contains(w.all.String(), w.text) {
		close(w.seen)
	}
	return len(p), nil
}

func (w *watch) await(t *testing.T) {
	t.Helper()
	select {
	case <-w.seen:
	case <-time.After(limit):
		w.mu.Lock()
		defer w.mu.Unlock()
		t.Fatalf("no %q in\n%s", w.text, w.all.String())
	}
}

// eventually polls until done returns true: other processes do not report their end.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(limit)
	for !done() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// processes returns the pids of all processes with a text in a file below /proc/PID.
func processes(file, text string) []string {
	var pids []string
	names, _ := filepath.Glob("/proc/[0-9]*/" + file)
	for _, name := range names {
		data, err := os.ReadFile(name) // it fails for a process that has just ended
		if err == nil && bytes.Contains(data, []byte(text)) {
			pids = append(pids, filepath.Base(filepath.Dir(name)))
		}
	}
	return pids
}

// left returns the processes that have marker in their command line, and those that see
// a mount of the world's engine.
func (w world) left(marker string) (running, mounted []string) {
	return processes("cmdline", marker), processes("mountinfo", filepath.Join(w.config().Root, "runc-"))
}

// awaitNothingLeft waits until no process of a RUN and no mount is left.
func (w world) awaitNothingLeft(t *testing.T, marker string) {
	t.Helper()
	eventually(t, "no process and no mount left", func() bool {
		running, mounted := w.left(marker)
		return len(running)+len(mounted) == 0
	})
}

var errTimeout = errors.New("took too long")

// result returns the error of a build in another goroutine.
func result(t *testing.T, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(limit):
		t.Fatal(errTimeout)
		return nil
	}
}
