package images_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bkt/internal/testkit"

	"github.com/rogpeppe/go-internal/txtar"
)

// A frontEnd is a server before a registry that answers some requests itself.
type frontEnd struct {
	host   string
	pieces atomic.Int32 // that have reached the registry
}

// newFrontEnd serves a front end of a registry. answer reports whether it has answered.
func newFrontEnd(t *testing.T, registry string, answer func(http.ResponseWriter, *http.Request) bool) *frontEnd {
	t.Helper()
	f := &frontEnd{}
	behind := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: registry})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer(w, r) {
			return
		}
		if r.Method == http.MethodPatch {
			f.pieces.Add(1)
		}
		behind.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	f.host = strings.TrimPrefix(server.URL, "http://")
	return f
}

// once returns an answer to the first request with that method and that part of its path.
func once(method, part string, answer func(http.ResponseWriter)) func(http.ResponseWriter, *http.Request) bool {
	var seen atomic.Bool
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || !strings.Contains(r.URL.Path, part) || seen.Swap(true) {
			return false
		}
		answer(w)
		return true
	}
}

// busyFor returns an answer that takes no manifest for so many seconds after the first, and
// says so. early counts the requests within this time.
func busyFor(seconds int, early *atomic.Int32) func(http.ResponseWriter, *http.Request) bool {
	var until atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || !strings.Contains(r.URL.Path, "/manifests/") {
			return false
		}
		now := time.Now()
		if until.CompareAndSwap(0, now.Add(time.Duration(seconds)*time.Second).UnixNano()) {
			w.Header().Set("Retry-After", strconv.Itoa(seconds))
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}
		if now.UnixNano() < until.Load() {
			early.Add(1)
		}
		return false
	}
}

// TestPushThroughFaults pushes an image to a widely used registry through front ends that
// answer as those of large registries do at times: the image arrives, nothing of it is sent
// twice, and bkt waits as long as it is asked to.
func TestPushThroughFaults(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "docker-registry")
	w := testkit.SharedWorkshop(t)
	page := once(http.MethodPatch, "/blobs/uploads/", func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, "<html><head><title>400 Bad Request</title></head></html>")
	})
	health := once(http.MethodPost, "/blobs/uploads/", func(w http.ResponseWriter) { io.WriteString(w, "Healthcheck requested") })
	var early atomic.Int32
	busy := busyFor(2, &early)
	dir := t.TempDir()
	err := txtar.Write(txtar.Parse([]byte("-- manifests/README --\n-- Containerfile --\nFROM scratch\nCOPY manifests/README /\n")), dir)
	if err != nil {
		t.Fatal(err)
	}
	run := func(program string, args ...string) string {
		t.Helper()
		cmd := exec.Command(filepath.Join(w.Bin, program), args...)
		cmd.Dir, cmd.Env = dir, w.Env()
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	digest := strings.TrimSpace(run("bkt", "-q", "build", "system"))
	ends := map[string]*frontEnd{
		"page":   newFrontEnd(t, w.DockerRegistry(), page),
		"health": newFrontEnd(t, w.DockerRegistry(), health),
		"busy":   newFrontEnd(t, w.DockerRegistry(), busy),
	}
	var names []string
	for name, end := range ends {
		names = append(names, fmt.Sprintf("%s/faults/%s:1", end.host, name))
	}
	out := run("bkt", "push", "system", strings.Join(names, ","))
	if strings.Count(out, "trying again in ") != 3 || !strings.Contains(out, "trying again in 2s") {
		t.Errorf("bkt does not say what it does:\n%s", out)
	}
	for name, end := range ends {
		if n := end.pieces.Load(); n != 2 { // a layer and a configuration
			t.Errorf("%s: %d blobs were sent", name, n)
		}
		there := run("bkt-engine", "inspect", fmt.Sprintf("%s/faults/%s:1", w.DockerRegistry(), name))
		if !strings.Contains(there, digest) {
			t.Errorf("%s:\n%s", name, there)
		}
	}
	if early.Load() > 0 {
		t.Error("bkt has not waited as long as the registry asked for")
	}
}
