package host_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"bkt/internal/host"
	"bkt/internal/plan"
)

// serve serves files, redirects and failures.
func serve(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/x", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "content") })
	mux.HandleFunc("/short", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, "content")
	})
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	mux.HandleFunc("/to", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.FormValue("url"), http.StatusFound)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func carryOut(t *testing.T, s plan.Step) error {
	t.Helper()
	return host.Executor{}.Execute(t.Context(), plan.Plan{{Op: plan.Add, Targets: []string{"x"}, Steps: []plan.Step{s}}}, ignore)
}

var sumOfContent = fmt.Sprintf("%x", sha256.Sum256([]byte("content")))

func TestFetch(t *testing.T) {
	site, local := serve(t), t.TempDir()
	put(t, local+"/x", "content", 0o600)
	for _, url := range []string{site + "/x", site + "/to?url=/x", site + "/to?url=/to?url=/x", "file://" + local + "/x"} {
		for _, sum := range []string{"", sumOfContent} {
			t.Run(url+" "+sum, func(t *testing.T) {
				dir := t.TempDir()
				put(t, dir+"/new/x", "old", 0o644)
				if err := carryOut(t, plan.Fetch{URL: url, Path: dir + "/new/x", SHA256: sum, Limit: 7}); err != nil {
					t.Fatal(err)
				}
				want(t, dir, map[string]string{"new/x": "content"})
			})
		}
	}
}

func TestFetchMakesTheFolder(t *testing.T) {
	dir := t.TempDir()
	if err := carryOut(t, plan.Fetch{URL: serve(t) + "/x", Path: dir + "/a/b/x", Limit: 7}); err != nil {
		t.Fatal(err)
	}
	want(t, dir, map[string]string{"a/b/x": "content"})
}

// TestFetchRefuses checks that a wrong download is deleted, and that the old file stays.
func TestFetchRefuses(t *testing.T) {
	local := t.TempDir()
	put(t, local+"/x", "content", 0o600)
	tests := []struct {
		name, url, sum, missing, err string
		limit                        int64
	}{
		{"unsafe, without a sum", "http://192.0.2.1/x", "", "", "is not safe", 7},
		{"another sum", "/x", strings.Repeat("0", 64), "", "its sha256 is " + sumOfContent + ", not " + strings.Repeat("0", 64), 7},
		{"too large", "/x", "", "", "is larger than 6 bytes", 6},
		{"too large, and the sum is right", "/x", sumOfContent, "", "is larger than 6 bytes", 6},
		{"cut short", "/short", "", "", "unexpected EOF", 200},
		{"a failure", "/broken", "", "", "the answer is 502 Bad Gateway", 7},
		{"missing", "/none", "", "", "the answer is 404 Not Found", 7},
		{"missing, and what it means", "/none", "", "there is no release", "there is no release", 7},
		{"no local file", "file://" + local + "/none", "", "", "the answer is 404 Not Found", 7},
		{"a redirect to a local file", "/to?url=file://" + local + "/x", "", "", "which is less safe", 7},
		{"redirects without end", "/to?url=/to?url=/to?url=/to?url=/to?url=/to?url=/to?url=/x", "", "", "redirects more than 5 times", 7},
		{"another protocol", "ftp://127.0.0.1/x", "", "", `unsupported protocol scheme "ftp"`, 7},
		{"no server", "http://127.0.0.1:1/x", "", "", "connection refused", 7},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url := tt.url
			if strings.HasPrefix(url, "/") {
				url = serve(t) + loop(url)
			}
			dir := t.TempDir()
			put(t, dir+"/x", "old", 0o644)
			err := carryOut(t, plan.Fetch{URL: url, Path: dir + "/x", SHA256: tt.sum, Limit: tt.limit, Missing: tt.missing})
			if err == nil || !strings.HasPrefix(err.Error(), "x: "+url+": ") || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error is %v, not %s", err, tt.err)
			}
			want(t, dir, map[string]string{"x": "old"})
		})
	}
}

// loop escapes a chain of redirects, each in the query of the previous one.
func loop(chain string) string {
	first, rest, more := strings.Cut(chain, "?url=")
	if !more {
		return chain
	}
	return first + "?url=" + strings.NewReplacer("%", "%25", "?", "%3F", "=", "%3D", "&", "%26").Replace(loop(rest))
}
