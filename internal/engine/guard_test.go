package engine

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/core/remotes/docker"
)

func TestGuard(t *testing.T) {
	var seen []string
	note := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusTemporaryRedirect)
			return
		}
		seen = append(seen, r.URL.Path)
	})
	plain, other, secure := httptest.NewServer(note), httptest.NewServer(note), httptest.NewTLSServer(note)
	t.Cleanup(plain.Close)
	t.Cleanup(other.Close)
	t.Cleanup(secure.Close)
	basic := func(r *http.Request) { r.SetBasicAuth("user", "secret") }
	form := func(r *http.Request) {
		r.Method = http.MethodPost
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	none := func(*http.Request) {}
	away := "/away?to=" + url.QueryEscape(plain.URL+"/redirected")
	tests := []struct {
		name, registry, to string
		with               func(*http.Request)
		sent               bool
	}{
		{"its own password", plain.URL, plain.URL + "/own", basic, true},
		{"its own password over TLS", secure.URL, secure.URL + "/own", basic, true},
		{"a form of its own", plain.URL, plain.URL + "/own", form, true},
		{"to a realm over TLS", plain.URL, secure.URL + "/realm", basic, true},
		{"without a password", secure.URL, plain.URL + "/blob", none, true},
		{"in the open", secure.URL, plain.URL + "/realm", basic, false},
		{"to another port", plain.URL, other.URL + "/realm", basic, false},
		{"a form in the open", secure.URL, plain.URL + "/realm", form, false},
		{"redirected into the open", secure.URL, secure.URL + away, basic, false},
		{"redirected without a password", secure.URL, secure.URL + away, none, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at, err := url.Parse(tt.registry)
			if err != nil {
				t.Fatal(err)
			}
			hosts, err := guarded(func(string) ([]docker.RegistryHost, error) {
				return []docker.RegistryHost{{Client: secure.Client(), Scheme: at.Scheme, Host: at.Host}}, nil
			})("any")
			if err != nil {
				t.Fatal(err)
			}
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tt.to, nil)
			if err != nil {
				t.Fatal(err)
			}
			tt.with(request)
			seen = nil
			response, err := hosts[0].Client.Do(request)
			if err == nil {
				response.Body.Close()
			}
			if sent := err == nil && len(seen) == 1; sent != tt.sent {
				t.Errorf("sent: %v, error %v", seen, err)
			}
			if !tt.sent && (len(seen) > 0 || !strings.Contains(err.Error(), "without encryption: they were not sent")) {
				t.Errorf("sent: %v, error %v", seen, err)
			}
		})
	}
}
