//go:build containers_image_openpgp

package registry

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"bkt/internal/engine/contract"
	"bkt/internal/hint"

	"github.com/google/go-cmp/cmp"
)

// always is a fault for all requests with the text in their path.
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

// gone returns the host of a registry that has ended.
func gone() string {
	server := httptest.NewServer(nil)
	defer server.Close()
	return server.Listener.Addr().String()
}

func TestMissingImages(t *testing.T) {
	whole := serve(t, func(http.ResponseWriter, *http.Request) bool { return false })
	if err := push(t.Context(), makeImage(t, 100), whole+"/a:1", io.Discard, nil); err != nil {
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

// TestTroubleIsNoMissingImage checks that no registry is taken for one that
// lacks an image.
func TestTroubleIsNoMissingImage(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	// What is not said to be this machine has to prove who it is.
	elsewhere := func(host string) string { return strings.Replace(host, "127.0.0.1", "0.0.0.0", 1) }
	certificate := "if it is the right one, put the certificate of its authority into /etc/containers/certs.d/"
	tests := []struct{ test, host, err, hint string }{
		{"not there", gone(), "connection refused", ""},
		{"broken", serve(t, always(http.StatusBadGateway, "/", "")), "502", ""},
		{"not logged in", serve(t, always(http.StatusUnauthorized, "/manifests/", "")), "authentication required", `log in with "podman login `},
		{"unknown certificate", elsewhere(secure.Listener.Addr().String()), "failed to verify certificate", certificate},
		{"no certificate", elsewhere(serve(t, always(http.StatusOK, "/", ""))), "server gave HTTP response to HTTPS client", certificate},
	}
	for _, tt := range tests {
		t.Run(tt.test, func(t *testing.T) {
			_, err := Inspect(t.Context(), tt.host+"/a:1")
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
