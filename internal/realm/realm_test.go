package realm_test

import (
	"net/url"
	"testing"

	"bkt/internal/realm"
)

func TestRealms(t *testing.T) {
	tests := []struct {
		registry, realm string
		own, private    bool
	}{
		// Real registries.
		{"https://registry-1.docker.io", "https://auth.docker.io/token", true, true},
		{"https://registry.gitlab.com", "https://gitlab.com/jwt/auth", true, true},
		{"https://ghcr.io", "https://ghcr.io/token", true, true},
		{"https://quay.io", "https://quay.io/v2/auth", true, true},
		{"https://registry.redhat.io", "https://registry.redhat.io/auth/realms/rhcc/protocol/redhat-docker-v2/auth", true, true},
		{"https://registry.digitalocean.com", "https://api.digitalocean.com/v2/registry/auth", true, true},
		{"https://registry.example.co.uk:5000", "https://auth.example.co.uk/token", true, true},
		// On private machines.
		{"http://127.0.0.1:5000", "http://127.0.0.1:5000/token", true, true},
		{"http://localhost:5000", "http://localhost:5000/token", true, true},
		{"http://registry.lan", "http://registry.lan:80/token", true, true},
		{"https://registry:5000", "https://registry:5001/auth", true, true},
		{"https://10.0.0.1:5000", "https://10.0.0.1/token", true, true},
		{"https://QUAY.io.", "https://quay.io:443/token", true, true},
		// Other hosts.
		{"https://quay.io", "https://example.com/token", false, true},
		{"https://quay.io", "https://quay.io.example.com/token", false, true},
		{"https://quay.io", "https://quay.io@example.com/token", false, true},
		{"https://notquay.io", "https://quay.io/token", false, true},
		{"https://one.github.io", "https://other.github.io/token", false, true},
		{"https://one.co.uk", "https://other.co.uk/token", false, true},
		{"https://registry", "https://other/token", false, true},
		{"https://10.0.0.1", "https://10.0.0.2/token", false, true},
		{"http://127.0.0.1:5000", "http://127.0.0.2:5000/token", false, false},
		{"http://127.0.0.1:5000", "http://127.0.0.1:5001/token", false, false},
		{"http://127.0.0.1:5000", "https://127.0.0.1:5001/token", false, true},
		{"http://localhost:5000", "http://127.0.0.1:5000/token", false, false},
		{"https://127.0.0.1:5000", "https://127.0.0.1:5000/token", true, true},
		{"https://127.1:5000", "https://127.1:5001/token", false, true},
		{"https://0.0.0.0:5000", "https://0.0.0.0:5001/token", false, true},
		{"https://0x7f.1:5000", "https://0x7f.0x1/token", false, true},
		{"https://192.168.1", "https://10.168.1/token", false, true},
		{"https://a.localhost:5000", "https://a.localhost:5000/token", true, true},
		{"https://a.localhost:5000", "https://a.localhost:5001/token", false, true},
		{"https://a.b.localhost", "https://c.b.localhost/token", false, true},
		// Without TLS.
		{"https://quay.io", "http://quay.io/token", false, false},
		{"https://quay.io", "http://auth.quay.io/token", false, false},
		{"http://registry.lan:5000", "http://registry.lan:5001/token", false, false},
		{"https://quay.io", "ftp://quay.io/token", false, false},
		{"https://quay.io", "/token", false, false},
	}
	for _, tt := range tests {
		registry, errRegistry := url.Parse(tt.registry)
		to, errRealm := url.Parse(tt.realm)
		if errRegistry != nil || errRealm != nil {
			t.Fatal(errRegistry, errRealm)
		}
		if got := realm.IsOwn(registry, to); got != tt.own {
			t.Errorf("%s, of %s, is own: %v", tt.realm, tt.registry, got)
		}
		if got := realm.IsPrivate(registry, to); got != tt.private {
			t.Errorf("%s, of %s, is private: %v", tt.realm, tt.registry, got)
		}
	}
}
