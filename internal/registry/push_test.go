//go:build containers_image_openpgp

package registry

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bkt/internal/hint"
	"bkt/internal/ocilayout"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/compression"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"
)

// atOnce are retry delays for tests.
var atOnce = []time.Duration{0, 0, 0}

// A fault answers a request in place of the registry, or passes it on.
type fault func(w http.ResponseWriter, r *http.Request) (done bool)

// serve serves a registry with a fault and returns its host.
func serve(t *testing.T, broken fault) string {
	t.Helper()
	real := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !broken(w, r) {
			real.ServeHTTP(w, r)
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the library tries TLS first
	server.Start()
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// makeImage returns an image with two layers of that size.
func makeImage(t *testing.T, size int64) ocilayout.Image {
	t.Helper()
	made, err := random.Image(size, 2)
	if err != nil {
		t.Fatal(err)
	}
	return makeLayout(t, made, func(p layout.Path) error { return p.AppendImage(made) })
}

// makeIndex returns an image for several platforms.
func makeIndex(t *testing.T) ocilayout.Image {
	t.Helper()
	made, err := random.Index(100, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	return makeLayout(t, made, func(p layout.Path) error { return p.AppendIndex(made) })
}

func makeLayout(t *testing.T, made partial.WithRawManifest, add func(layout.Path) error) ocilayout.Image {
	t.Helper()
	folder, err := layout.Write(t.TempDir(), empty.Index)
	if err == nil {
		err = add(folder)
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := made.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	return ocilayout.Image{Dir: string(folder), Digest: digest.FromBytes(text)}
}

// checkThere checks which image the registry has.
func checkThere(t *testing.T, name, want string) {
	t.Helper()
	got, err := Inspect(t.Context(), name)
	if err != nil || got.Digest != want {
		t.Errorf("%s is %q, %v, not %q", name, got.Digest, err, want)
	}
}

// isManifestPut reports whether r is the last request of a push, which names the
// image. The library does not retry it, unlike others.
func isManifestPut(r *http.Request) bool {
	return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/")
}

func TestPushRetries(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		says   string
	}{
		{"broken", http.StatusServiceUnavailable, "", "503 Service Unavailable"},
		{"badly broken", http.StatusInternalServerError, "<html>", "500 Internal Server Error"},
		{"busy", http.StatusTooManyRequests, `{"errors":[{"code":"TOOMANYREQUESTS"}]}`, "toomanyrequests"},
		{"busy, in other words", http.StatusTooManyRequests, "slow down", "StatusCode: 429"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var asked atomic.Int32
			host := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
				if !isManifestPut(r) || asked.Add(1) > 2 {
					return false
				}
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
				return true
			})
			l := makeImage(t, 100)
			var text bytes.Buffer
			if _, err := push(t.Context(), l, host+"/a:1", &text, atOnce); err != nil {
				t.Fatal(err)
			}
			checkThere(t, host+"/a:1", l.Digest.String())
			var again []string
			for line := range strings.Lines(text.String()) {
				if strings.HasPrefix(line, "bkt: pushing "+host+"/a:1: ") && strings.HasSuffix(line, ": trying again in 0s\n") {
					again = append(again, line)
				}
			}
			if len(again) != 2 || !strings.Contains(again[1], tt.says) {
				t.Errorf("log:\n%s", text.String())
			}
		})
	}
}

func TestPushGivesUp(t *testing.T) {
	login := []string{`log in with "podman login HOST"`}
	tests := []struct {
		name     string
		status   int
		body     string
		attempts int32
		says     string
		hints    []string
	}{
		{"broken for long", http.StatusBadGateway, "", 4, "502 Bad Gateway", nil},
		{"not logged in", http.StatusUnauthorized, `{"errors":[{"code":"UNAUTHORIZED","message":"who are you"}]}`, 1, "who are you", login},
		{"not logged in, in other words", http.StatusUnauthorized, "no", 1, "authentication required", login},
		{"not allowed", http.StatusForbidden, `{"errors":[{"code":"DENIED"}]}`, 1, "denied", login},
		{"not allowed, in other words", http.StatusForbidden, "no", 1, "StatusCode: 403", login},
		{"not there", http.StatusNotFound, `{"errors":[{"code":"NAME_UNKNOWN"}]}`, 1, "name unknown", nil},
		{"not understood", http.StatusBadRequest, `{"errors":[{"code":"MANIFEST_INVALID"}]}`, 1, "manifest invalid", nil},
		{"not understood, of a kind of its own", http.StatusBadRequest, `{"errors":[{"code":"ODD","message":"odd"}]}`, 1, "odd", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var asked atomic.Int32
			host := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
				if !isManifestPut(r) {
					return false
				}
				asked.Add(1)
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
				return true
			})
			_, err := push(t.Context(), makeImage(t, 100), host+"/a:1", io.Discard, atOnce)
			if err == nil || !strings.HasPrefix(err.Error(), "pushing "+host+"/a:1: ") || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v", err)
			}
			var hints []string
			for _, h := range hint.Of(err) {
				hints = append(hints, strings.ReplaceAll(h, host, "HOST"))
			}
			if diff := cmp.Diff(tt.hints, hints); diff != "" {
				t.Errorf("hints (-want +got):\n%s", diff)
			}
			if asked.Load() != tt.attempts {
				t.Errorf("%d attempts, not %d", asked.Load(), tt.attempts)
			}
		})
	}
}

func TestPushOfSeveralPlatforms(t *testing.T) {
	host := serve(t, func(http.ResponseWriter, *http.Request) bool { return false })
	l := makeIndex(t)
	if _, err := push(t.Context(), l, host+"/a:1", io.Discard, nil); err != nil {
		t.Fatal(err)
	}
	checkThere(t, host+"/a:1", l.Digest.String())
}

// TestPushOfLayersInZstd checks that the library's annotations for compression
// do not get into an index.
func TestPushOfLayersInZstd(t *testing.T) {
	host := serve(t, func(http.ResponseWriter, *http.Request) bool { return false })
	var text bytes.Buffer
	archive := tar.NewWriter(&text)
	if err := errors.Join(archive.WriteHeader(&tar.Header{Name: "file", Mode: 0o644}), archive.Close()); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text.Bytes())), nil },
		tarball.WithCompression(compression.ZStd), tarball.WithMediaType(types.OCILayerZStd))
	if err != nil {
		t.Fatal(err)
	}
	blank := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	made, err := mutate.AppendLayers(blank, layer)
	if err != nil {
		t.Fatal(err)
	}
	index := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), mutate.IndexAddendum{Add: made})
	l := makeLayout(t, index, func(p layout.Path) error { return p.AppendIndex(index) })
	if _, err := push(t.Context(), l, host+"/a:1", io.Discard, nil); err != nil {
		t.Fatal(err)
	}
	checkThere(t, host+"/a:1", l.Digest.String())
}

// TestPushToRegistryWithoutDigests checks that a registry need not report digests.
func TestPushToRegistryWithoutDigests(t *testing.T) {
	host := serve(t, func(_ http.ResponseWriter, r *http.Request) bool {
		return r.Method == http.MethodHead && strings.Contains(r.URL.Path, "/manifests/")
	})
	l := makeImage(t, 100)
	if _, err := push(t.Context(), l, host+"/a:1", io.Discard, nil); err != nil {
		t.Fatal(err)
	}
	checkThere(t, host+"/a:1", l.Digest.String())
}

func TestPushToNoRegistry(t *testing.T) {
	var text bytes.Buffer
	_, err := push(t.Context(), makeImage(t, 100), "127.0.0.1:1/a:1", &text, atOnce)
	if err == nil || !strings.Contains(err.Error(), "connection refused") || len(hint.Of(err)) > 0 {
		t.Errorf("error %v, hints %q", err, hint.Of(err))
	}
	if n := strings.Count(text.String(), "trying again"); n != len(atOnce) {
		t.Errorf("tried again %d times:\n%s", n, text.String())
	}
}

func TestPushAfterABrokenConnection(t *testing.T) {
	var whole atomic.Bool
	host := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPatch || whole.Load() {
			return false
		}
		io.CopyN(io.Discard, r.Body, 1000)
		panic(http.ErrAbortHandler)
	})
	l := makeImage(t, 1<<20)
	var text bytes.Buffer
	_, err := push(t.Context(), l, host+"/a:1", &text, atOnce)
	if err == nil || !strings.HasPrefix(err.Error(), "pushing "+host+"/a:1: ") {
		t.Errorf("error %v", err)
	}
	if n := strings.Count(text.String(), "trying again"); n != len(atOnce) {
		t.Errorf("tried again %d times:\n%s", n, text.String())
	}
	checkThere(t, host+"/a:1", "")
	whole.Store(true)
	if _, err := push(t.Context(), l, host+"/a:1", io.Discard, atOnce); err != nil {
		t.Fatal(err)
	}
	checkThere(t, host+"/a:1", l.Digest.String())
}

func TestPushChecksWhatIsThere(t *testing.T) {
	const other = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	var asked atomic.Int32
	host := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodHead || !strings.HasSuffix(r.URL.Path, "/manifests/1") {
			return false
		}
		asked.Add(1)
		w.Header().Set("Docker-Content-Digest", other)
		return true
	})
	l := makeImage(t, 100)
	_, err := push(t.Context(), l, host+"/a:1", io.Discard, atOnce)
	want := "pushing " + host + "/a:1: the registry reports " + other + ", but " + l.Digest.String() + " was pushed"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, not %s", err, want)
	}
	if asked.Load() != 2 { // before, and after
		t.Errorf("asked %d times", asked.Load())
	}
}

// TestPushOfKnownImage checks that only the name of an image is sent if the
// registry has the image, and nothing if it has the image under that name.
func TestPushOfKnownImage(t *testing.T) {
	var sent []string
	host := serve(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			sent = append(sent, r.Method+" "+r.URL.Path)
		}
		return false
	})
	l := makeImage(t, 100)
	if _, err := push(t.Context(), l, host+"/a:1", io.Discard, nil); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		want []string
	}{
		{"/a:1", nil},
		{"/a:2", []string{"PUT /v2/a/manifests/2"}},
		{"/a:2", nil},
	} {
		sent = nil
		var text bytes.Buffer
		if _, err := push(t.Context(), l, host+tt.name, &text, nil); err != nil {
			t.Fatal(err)
		}
		checkThere(t, host+tt.name, l.Digest.String())
		if diff := cmp.Diff(tt.want, sent); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if said := strings.Contains(text.String(), "bkt: "+host+tt.name+" is already in the registry\n"); said != (tt.want == nil) {
			t.Errorf("log:\n%s", text.String())
		}
	}
}

func TestPushIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	host := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	// It is cancelled while it waits for its next attempt.
	_, err := push(ctx, makeImage(t, 100), host+"/a:1", callback(func(text string) {
		if strings.Contains(text, "trying again") {
			cancel()
		}
	}), []time.Duration{24 * time.Hour})
	if err != context.Canceled {
		t.Errorf("error %v", err)
	}
}

// A callback is a writer that is called with the bytes.
type callback func(text string)

func (c callback) Write(data []byte) (int, error) {
	c(string(data))
	return len(data), nil
}

// html answers with a page, as front ends do.
func html(status int) fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		io.WriteString(w, "<html><body>nginx</body></html>")
		return true
	}
}

// coded answers with an error of the specification.
func coded(status int, code string) fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(status)
		io.WriteString(w, `{"errors":[{"code":"`+code+`"}]}`)
		return true
	}
}

// TestPushThroughFrontEnd checks that answers that no registry gives do not end a push, and
// that nothing that has arrived is sent again.
func TestPushThroughFrontEnd(t *testing.T) {
	tests := []struct {
		name   string
		method string
		path   string
		answer fault
		again  bool
	}{
		{"a page for a piece", http.MethodPatch, "/blobs/uploads/", html(http.StatusBadRequest), true},
		{"a page for the whole", http.MethodPut, "/blobs/uploads/", html(http.StatusNotFound), true},
		{"a health check", http.MethodPost, "/blobs/uploads/", func(w http.ResponseWriter, _ *http.Request) bool {
			io.WriteString(w, "Healthcheck requested")
			return true
		}, true},
		{"a page for the manifest", http.MethodPut, "/manifests/", html(http.StatusBadRequest), true},
		{"an upload that is lost", http.MethodPatch, "/blobs/uploads/", coded(http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN"), true},
		{"a blob that is not there yet", http.MethodPut, "/manifests/", coded(http.StatusNotFound, "MANIFEST_BLOB_UNKNOWN"), true},
		{"busy with a piece", http.MethodPatch, "/blobs/uploads/", coded(http.StatusTooManyRequests, "TOOMANYREQUESTS"), true},
		{"a denial", http.MethodPatch, "/blobs/uploads/", coded(http.StatusForbidden, "DENIED"), false},
		{"a page that denies", http.MethodPatch, "/blobs/uploads/", html(http.StatusForbidden), false},
		{"a name that is not valid", http.MethodPost, "/blobs/uploads/", coded(http.StatusBadRequest, "NAME_INVALID"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var faults, pieces atomic.Int32
			host := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == tt.method && strings.Contains(r.URL.Path, tt.path) && faults.Add(1) == 1 {
					return tt.answer(w, r)
				}
				if r.Method == http.MethodPatch {
					pieces.Add(1)
				}
				return false
			})
			l := makeImage(t, 100)
			_, err := push(t.Context(), l, host+"/a:1", io.Discard, atOnce)
			if !tt.again {
				if err == nil || faults.Load() > 2 { // one for each layer
					t.Errorf("%v after %d requests", err, faults.Load())
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkThere(t, host+"/a:1", l.Digest.String())
			blobs := int32(3) // two layers and a configuration
			if tt.method == http.MethodPut && tt.path == "/blobs/uploads/" {
				blobs++ // the piece arrived, and the registry never knew its whole
			}
			if pieces.Load() != blobs {
				t.Errorf("%d blobs were sent, not %d", pieces.Load(), blobs)
			}
		})
	}
}

// TestAnswerOfAnotherServer checks the error for a server that is no registry.
func TestAnswerOfAnotherServer(t *testing.T) {
	host := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost {
			return false
		}
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, "<html>nginx</html>")
		return true
	})
	_, err := push(t.Context(), makeImage(t, 100), host+"/a:1", io.Discard, atOnce)
	if err == nil || len(hint.Of(err)) != 1 || !strings.HasPrefix(hint.Of(err)[0], "the answer is not that of a registry: ") {
		t.Errorf("%v, %q", err, hint.Of(err))
	}
}

// TestPushWaitsAsAsked checks that a registry that is busy gets the time that it asks for,
// and that the log says so. A time that is too long ends the push at once.
func TestPushWaitsAsAsked(t *testing.T) {
	tests := []struct {
		name, after string
		status      int
		says        string // in the log
		hint        string // of the error
	}{
		{"busy", "1", http.StatusTooManyRequests, "trying again in 1s\n", ""},
		{"broken", "1", http.StatusServiceUnavailable, "trying again in 1s\n", ""},
		{"busy for an hour", "3600", http.StatusTooManyRequests, "", "the registry asks to wait 1h0m0s: run the command again then"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			host := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
				if !isManifestPut(r) || asked.Add(1) > 1 {
					return false
				}
				w.Header().Set("Retry-After", tt.after)
				w.WriteHeader(tt.status)
				return true
			})
			var text bytes.Buffer
			_, err := push(t.Context(), makeImage(t, 100), host+"/a:1", &text, atOnce)
			if hints := strings.Join(hint.Of(err), " "); (err == nil) != (tt.hint == "") || hints != tt.hint {
				t.Errorf("%v, %q", err, hints)
			}
			if !strings.Contains(text.String(), tt.says) {
				t.Errorf("log:\n%s", text.String())
			}
		})
	}
}

// TestAskedDelay checks both forms of Retry-After.
func TestAskedDelay(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "15": 15 * time.Second, "0": 0, "-1": 0, "soon": 0, "1.5": 0,
		"Fri, 02 Jan 2026 03:06:05 GMT": 2 * time.Minute, "Fri, 02 Jan 2026 03:04:00 GMT": 0, "Friday, 02-Jan-26 03:04:06 GMT": time.Second,
	} {
		if got := askedDelay(header, now); got != want {
			t.Errorf("%q: %v, not %v", header, got, want)
		}
	}
}
