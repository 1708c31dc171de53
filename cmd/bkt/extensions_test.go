package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"bkt/internal/gvdb/gvdbtest"

	"github.com/rogpeppe/go-internal/testscript"
)

// extensionCommands are the script commands for extensions of GNOME Shell.
func extensionCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"extension": makeExtension,
		"zipped":    zipped,
		"ego":       serveExtensions,
		"shell":     startShell,
		"hears":     hears,
		"alone":     alone,
		"expand":    expand,
	}
}

// standInShell is gnome-shell --version.
func standInShell() { fmt.Println("GNOME Shell 43.9") }

// standInCompile is glib-compile-schemas --strict.
func standInCompile() {
	if _, err := os.Stat("broken.gschema.xml"); err == nil {
		standInFails("broken.gschema.xml: Error on line 1")
	}
	if err := os.WriteFile("gschemas.compiled", gvdbtest.File(gvdbtest.Table{}), 0o644); err != nil {
		standInFails("%v", err)
	}
}

// makeExtension makes the folder of an extension:
//
//	extension DIR [FIELD=JSON]…
//
// Its uuid is the name of the folder, unless it is one of the fields.
func makeExtension(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	id := filepath.Base(dir)
	fields := map[string]json.RawMessage{
		"uuid":          quoted(id),
		"name":          quoted(id),
		"description":   quoted("A test."),
		"shell-version": json.RawMessage(`["43"]`),
	}
	for _, arg := range args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		fields[name] = json.RawMessage(value)
	}
	text, err := json.MarshalIndent(fields, "", "  ")
	ts.Check(err)
	ts.Check(os.MkdirAll(dir, 0o755))
	ts.Check(os.WriteFile(dir+"/metadata.json", text, 0o644))
	ts.Check(os.WriteFile(dir+"/extension.js", fmt.Appendf(nil, `class E { enable() { log("on: %[1]s"); } disable() { log("off: %[1]s"); } }
function init() { return new E(); }
`, id), 0o644))
}

func quoted(s string) json.RawMessage {
	text, _ := json.Marshal(s) // no string fails
	return text
}

// zipped makes an archive of a folder, and sets a variable to its sha256:
//
//	zipped VAR ARCHIVE DIR
func zipped(ts *testscript.TestScript, _ bool, args []string) {
	text, err := zipOf(ts.MkAbs(args[2]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), text, 0o644))
	ts.Setenv(args[0], fmt.Sprintf("%x", sha256.Sum256(text)))
}

func zipOf(dir string) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	err := errors.Join(z.AddFS(os.DirFS(dir)), z.Close())
	return b.Bytes(), err
}

// serveExtensions serves the API of extensions.gnome.org, as far as bkt uses it,
// and files:
//
//	ego DIR
//
// DIR/NUMBER/UUID is the folder of a release of an extension, and DIR/files has
// the files. It sets EGO to the server's URL, and writes a line to DIR/log for each
// request.
func serveExtensions(ts *testscript.TestScript, _ bool, args []string) {
	s := &extensionSite{dir: ts.MkAbs(args[0])}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /download-extension/{archive}", s.newest)
	mux.HandleFunc("GET /api/v1/extensions/{id}/versions/{version}/", s.version)
	mux.Handle("GET /files/", http.FileServer(http.Dir(s.dir)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.log(r.URL.String())
		mux.ServeHTTP(w, r)
	}))
	ts.Defer(server.Close)
	ts.Setenv("EGO", server.URL)
	ts.Setenv("BKT_EGO_URL", server.URL)
	s.log("served")
}

type extensionSite struct {
	mu  sync.Mutex
	dir string
}

func (s *extensionSite) log(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := os.OpenFile(s.dir+"/log", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		fmt.Fprintln(f, line)
		f.Close()
	}
}

// newest sends the newest release for a version of the shell.
func (s *extensionSite) newest(w http.ResponseWriter, r *http.Request) {
	id := strings.TrimSuffix(r.PathValue("archive"), ".shell-extension.zip")
	major, _, _ := strings.Cut(r.FormValue("shell_version"), ".")
	releases, _ := filepath.Glob(s.dir + "/*/" + id)
	slices.SortFunc(releases, func(a, b string) int { return cmp.Compare(number(b), number(a)) })
	for _, dir := range releases {
		var m struct {
			Shells []string `json:"shell-version"`
		}
		text, err := os.ReadFile(dir + "/metadata.json")
		if err == nil && json.Unmarshal(text, &m) == nil && slices.Contains(m.Shells, major) {
			s.send(w, dir)
			return
		}
	}
	http.NotFound(w, r)
}

func number(release string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(release)))
	return n
}

func (s *extensionSite) version(w http.ResponseWriter, r *http.Request) {
	dir := filepath.Join(s.dir, r.PathValue("version"), r.PathValue("id"))
	if _, err := os.Stat(dir); err != nil || r.FormValue("format") != "zip" {
		http.NotFound(w, r)
		return
	}
	s.send(w, dir)
}

func (s *extensionSite) send(w http.ResponseWriter, dir string) {
	text, err := zipOf(dir)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(text)
}

// expand replaces variables in a file by their values.
func expand(ts *testscript.TestScript, _ bool, args []string) {
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}

// alone makes bkt the only program in PATH.
func alone(ts *testscript.TestScript, _ bool, _ []string) {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(dir, "bkt")); err == nil {
			ts.Setenv("PATH", dir)
			return
		}
	}
	ts.Fatalf("bkt is not in PATH")
}

// A runningShell is a GNOME Shell without a screen.
type runningShell struct {
	stop   func()
	output *os.File
	lines  *bufio.Scanner // of output
	said   []string       // lines that no script has waited for yet
}

// shells are the shells that scripts have started, by the script's folder.
var shells sync.Map

// startShell starts GNOME Shell, instead of one that runs, and waits until it is ready.
func startShell(ts *testscript.TestScript, _ bool, _ []string) {
	if old, ok := shells.Load(ts.Getenv("WORK")); ok {
		old.(*runningShell).stop()
	}
	cmd := exec.Command("gnome-shell", "--headless", "--wayland", "--no-x11", "--virtual-monitor", "1280x720")
	cmd.Dir = ts.Getenv("WORK")
	for _, name := range []string{"PATH", "HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_DIRS", "DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS"} {
		if value := ts.Getenv(name); value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	out, in, err := os.Pipe()
	ts.Check(err)
	cmd.Stdout, cmd.Stderr = in, in
	ts.Check(cmd.Start())
	ts.Check(in.Close())
	stop := sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = out.Close()
	})
	ts.Defer(stop)
	shells.Store(cmd.Dir, &runningShell{stop: stop, output: out, lines: bufio.NewScanner(out)})
	hears(ts, false, []string{"GNOME Shell started"})
}

// hears waits until the shell has printed a line with a text. Each line counts once.
func hears(ts *testscript.TestScript, _ bool, args []string) {
	value, ok := shells.Load(ts.Getenv("WORK"))
	if !ok {
		ts.Fatalf("no shell was started")
	}
	shell := value.(*runningShell)
	ts.Check(shell.output.SetReadDeadline(time.Now().Add(5 * time.Minute))) // a shell that hangs must not hang the test
	wanted := func(line string) bool { return strings.Contains(line, args[0]) }
	for !slices.ContainsFunc(shell.said, wanted) {
		if !shell.lines.Scan() {
			ts.Fatalf("the shell has ended or hangs (%v); it printed\n%s", shell.lines.Err(), strings.Join(shell.said, "\n"))
		}
		shell.said = append(shell.said, shell.lines.Text())
	}
	n := slices.IndexFunc(shell.said, wanted)
	shell.said = slices.Delete(shell.said, n, n+1)
}
