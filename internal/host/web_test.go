package host_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bkt/internal/host"
	"bkt/internal/plan"

	"golang.org/x/sys/unix"
)

const never = time.Hour

// hostile serves what would never end. A client that does not give up waits for ever.
func hostile(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/silent", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/trickle", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		drip(r, func() { _, _ = w.Write([]byte("x")); w.(http.Flusher).Flush() })
	})
	mux.HandleFunc("/header", func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nX-A: "))
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for err == nil {
			_, err = conn.Write([]byte("x"))
			<-tick.C
		}
	})
	mux.HandleFunc("/headers", func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\n"))
		for err == nil {
			_, err = conn.Write(bytes.Repeat([]byte("X-A: x\r\n"), 1<<10))
		}
	})
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write(make([]byte, 1<<16))
		}
	})
	mux.HandleFunc("/redirects", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/redirects?"+r.URL.RawQuery+"x", http.StatusFound)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return server.URL
}

// drip calls send again and again until the client has gone.
func drip(r *http.Request, send func()) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			send()
		case <-r.Context().Done():
			return
		}
	}
}

// TestHostileServers checks that every way of reading a URL ends with an error that names
// it, whatever the server does, and that files stay as they were.
func TestHostileServers(t *testing.T) {
	site := hostile(t)
	steps := map[string]func(dir, url string) plan.Step{
		"fetch": func(dir, url string) plan.Step { return plan.Fetch{URL: url, Path: dir + "/x", Limit: 1 << 20} },
		"install": func(dir, url string) plan.Step {
			return plan.Install{Source: plan.Source{URL: url, SHA256: sumOfContent}, Path: dir + "/x", Cache: dir + "/cache/x", Limit: 1 << 20, Finish: finisher{}}
		},
		"ask": func(dir, url string) plan.Step {
			ask := &plan.Ask{URLs: []string{url}, Limit: 1 << 20, Answer: answers{}}
			return plan.Install{Source: plan.Source{Ask: ask}, Path: dir + "/x", Cache: dir + "/cache/x", Limit: 1 << 20, Finish: finisher{}}
		},
	}
	tests := []struct{ path, err string }{
		{"/silent", "the server has not answered within 50ms"},
		{"/header", "the server has not answered within 50ms"},
		{"/headers", "server response headers exceeded"},
		{"/trickle", "the server has sent less than 1024 bytes in 50ms"},
		{"/endless", "is larger than 1048576 bytes"},
		{"/redirects", "redirects more than 5 times"},
	}
	for name, step := range steps {
		for _, tt := range tests {
			t.Run(name+tt.path, func(t *testing.T) {
				t.Parallel()
				answer, piece := never, never
				switch tt.path {
				case "/silent", "/header":
					answer = 50 * time.Millisecond
				case "/trickle":
					piece = 50 * time.Millisecond
				}
				ctx := host.WithTimeouts(t.Context(), answer, piece)
				dir := t.TempDir()
				put(t, dir+"/x", "old", 0o644)
				p := plan.Plan{{Op: plan.Add, Targets: []string{"x"}, Steps: []plan.Step{step(dir, site+tt.path)}}}
				err := host.Executor{}.Execute(ctx, p, ignore)
				if err == nil || !strings.Contains(err.Error(), site+tt.path) || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error is %v, not %s", err, tt.err)
				}
				if text, err := os.ReadFile(dir + "/x"); string(text) != "old" {
					t.Errorf("the file is %q, %v", text, err)
				}
			})
		}
	}
}

// TestFilesByURL checks that a file:// URL does not wait for what is no file.
func TestFilesByURL(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", filepath.Join(dir, "zero")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pipe", "zero"} {
		url := "file://" + filepath.Join(dir, name)
		for _, s := range []plan.Step{
			plan.Fetch{URL: url, Path: dir + "/x", Limit: 7},
			plan.Install{Source: plan.Source{URL: url, SHA256: sumOfContent}, Path: dir + "/x", Cache: dir + "/cache/x", Limit: 7, Finish: finisher{}},
		} {
			err := carryOut(t, s)
			if err == nil || !strings.Contains(err.Error(), url+": neither a file nor a folder") {
				t.Errorf("%T: error is %v", s, err)
			}
		}
	}
}
