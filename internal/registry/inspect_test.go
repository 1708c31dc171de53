//go:build containers_image_openpgp

package registry

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"bkt/internal/engine/contract"
	"bkt/internal/hint"

	"github.com/google/go-cmp/cmp"
)

// always returns a fault for all requests with the text in their path.
func always(status int, text, body string) fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, text) {
			return false
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
		return true
	}
}

// closedRegistry returns the host of a registry that has ended.
func closedRegistry() string {
	server := httptest.NewServer(nil)
	defer server.Close()
	return server.Listener.Addr().String()
}

func TestMissingImages(t *testing.T) {
	whole := serve(t, func(http.ResponseWriter, *http.Request) bool { return false })
	if _, err := push(t.Context(), makeImage(t, 100), whole+"/a:1", io.Discard, nil); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ test, name string }{
		{"tag", whole + "/a:2"},
		{"repository", whole + "/b:1"},
		{"digest", whole + "/a@sha256:" + strings.Repeat("0", 64)},
		{"an answer of no form", serve(t, always(http.StatusNotFound, "/manifests/", "404 page not found\n")) + "/a:1"},
		{"Harbor's answer", serve(t, always(http.StatusNotFound, "/manifests/", `{"errors": [{"code": "NOT_FOUND", "message": "artifact a:1 not found"}]}`)) + "/a:1"},
	}
	for _, tt := range tests {
		t.Run(tt.test, func(t *testing.T) {
			found, err := Inspect(t.Context(), tt.name)
			if diff := cmp.Diff(contract.Image{}, found); err != nil || diff != "" {
				t.Errorf("%v, -want +got:\n%s", err, diff)
			}
		})
	}
}

// isManifestGet reports whether r asks for the manifest of an image.
func isManifestGet(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/manifests/")
}

// isBlobGet reports whether r asks for a blob.
func isBlobGet(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/")
}

// TestInspectRetries checks that transient errors are retried a few times, wherever
// they happen, and no other errors.
func TestInspectRetries(t *testing.T) {
	tests := []struct {
		name     string
		hits     func(*http.Request) bool
		status   int
		faults   int32
		attempts int32
		err      string
	}{
		{"broken twice", isManifestGet, http.StatusServiceUnavailable, 2, 3, ""},
		{"broken later", isBlobGet, http.StatusBadGateway, 2, 3, ""},
		{"broken for long", isManifestGet, http.StatusServiceUnavailable, 99, 4, "503 Service Unavailable"},
		{"not allowed", isManifestGet, http.StatusForbidden, 99, 1, "403"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var asked atomic.Int32
			host := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
				if !tt.hits(r) || asked.Add(1) > tt.faults {
					return false
				}
				w.WriteHeader(tt.status)
				return true
			})
			l := makeImage(t, 100)
			if _, err := push(t.Context(), l, host+"/a:1", io.Discard, nil); err != nil {
				t.Fatal(err)
			}
			found, err := inspect(t.Context(), host+"/a:1", atOnce, describe)
			if tt.err == "" && (err != nil || found.Digest != l.Digest.String()) {
				t.Errorf("found %q, error %v", found.Digest, err)
			}
			if tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("error %v", err)
			}
			if asked.Load() != tt.attempts {
				t.Errorf("%d attempts, not %d", asked.Load(), tt.attempts)
			}
		})
	}
}

// TestErrorIsNotMissingImage checks that an error of a registry is not reported
// as a missing image.
func TestErrorIsNotMissingImage(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	// A host other than this machine needs a trusted certificate.
	elsewhere := func(host string) string { return strings.Replace(host, "127.0.0.1", "0.0.0.0", 1) }
	certificate := "if you trust it, put the certificate of its authority into /etc/containers/certs.d/"
	tests := []struct{ test, host, err, hint string }{
		{"not there", closedRegistry(), "connection refused", ""},
		{"broken", serve(t, always(http.StatusBadGateway, "/", "")), "502", ""},
		{"not logged in", serve(t, always(http.StatusUnauthorized, "/manifests/", "")), "authentication required", `log in with "podman login `},
		{"unknown certificate", elsewhere(secure.Listener.Addr().String()), "failed to verify certificate", certificate},
		{"no certificate", elsewhere(serve(t, always(http.StatusOK, "/", ""))), "server gave HTTP response to HTTPS client", certificate},
	}
	for _, tt := range tests {
		t.Run(tt.test, func(t *testing.T) {
			_, err := inspect(t.Context(), tt.host+"/a:1", nil, describe)
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error is %v", err)
			}
			hints := strings.Join(hint.Of(err), "\n")
			if !strings.HasPrefix(hints, tt.hint) || tt.hint == "" && hints != "" {
				t.Errorf("hint is %q", hints)
			}
		})
	}
}
