package proxy_test

import (
	"slices"
	"testing"

	"bkt/internal/proxy"

	"github.com/google/go-cmp/cmp"
)

func TestIsVariable(t *testing.T) {
	for name, want := range map[string]bool{
		"http_proxy": true, "HTTPS_PROXY": true, "Ftp_Proxy": true, "no_proxy": true, "ALL_PROXY": true,
		"proxy": false, "rsync_proxy": false, "http_proxy_": false, "": false,
	} {
		if got := proxy.IsVariable(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestFromEnv(t *testing.T) {
	env := map[string]string{
		"http_proxy": "http://lower:1", "HTTP_PROXY": "http://upper:1",
		"https_proxy": "", "HTTPS_PROXY": "http://upper:2",
		"FTP_PROXY":  "http://upper:3",
		"no_proxy":   "example.org",
		"ALL_PROXY":  "",
		"Http_Proxy": "http://mixed:1", "RSYNC_PROXY": "http://other:1",
	}
	got := proxy.FromEnv(func(name string) string { return env[name] })
	want := proxy.Set{"http_proxy": "http://lower:1", "https_proxy": "http://upper:2", "ftp_proxy": "http://upper:3", "no_proxy": "example.org"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWith(t *testing.T) {
	env := proxy.Set{"http_proxy": "http://env:1", "https_proxy": "http://env:2", "no_proxy": "a"}
	for _, tt := range []struct {
		name string
		args map[string]string
		want proxy.Set
	}{
		{"no arguments", nil, env},
		{"others", map[string]string{"CHANNEL": "stable"}, env},
		{"one replaced", map[string]string{"HTTP_PROXY": "http://arg:1"}, proxy.Set{"http_proxy": "http://arg:1", "https_proxy": "http://env:2", "no_proxy": "a"}},
		{"one removed", map[string]string{"https_proxy": ""}, proxy.Set{"http_proxy": "http://env:1", "no_proxy": "a"}},
		{"both cases", map[string]string{"HTTP_PROXY": "http://upper:1", "http_proxy": "http://lower:1"}, proxy.Set{"http_proxy": "http://lower:1", "https_proxy": "http://env:2", "no_proxy": "a"}},
		{"one added", map[string]string{"all_proxy": "socks5://arg:1"}, proxy.Set{"http_proxy": "http://env:1", "https_proxy": "http://env:2", "no_proxy": "a", "all_proxy": "socks5://arg:1"}},
	} {
		if diff := cmp.Diff(tt.want, env.With(tt.args)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
	if got := proxy.Set(nil).With(map[string]string{"http_proxy": "x"}); got["http_proxy"] != "x" {
		t.Error(got)
	}
}

// TestAddresses checks which proxies are on this machine, and where.
func TestAddresses(t *testing.T) {
	const here, elsewhere, other = "here", "elsewhere", "other"
	for _, tt := range []struct {
		value string
		where string
		port  int
	}{
		{"http://127.0.0.1:3128", here, 3128},
		{"http://127.0.0.1:3128/", here, 3128},
		{"http://localhost:3128", here, 3128},
		{"HTTP://LocalHost.:3128", here, 3128},
		{"127.0.0.1:3128", here, 3128},
		{"localhost:3128", here, 3128},
		{"localhost", here, 80},
		{"http://127.0.0.1", here, 80},
		{"https://127.0.0.1", here, 443},
		{"socks5h://127.0.0.1", here, 1080},
		{"socks5://eve:pear7@127.0.0.1:9050", here, 9050},
		{"http://eve:p%e@a/r@127.0.0.1:3128", here, 3128},
		{"http://[::ffff:127.0.0.1]:3128", here, 3128},
		{"http://[::1]:3128", here, 3128},
		{"http://[::1]", here, 80},
		{"::1", here, 80},
		{"http://127.0.0.53:3128", elsewhere, 0},
		{"http://proxy.example.org:3128", other, 0},
		{"http://192.0.2.1:3128", other, 0},
		{"http://localhost.example.org:3128", other, 0},
		{"http://127.0.0.1:0", other, 0},
		{"http://127.0.0.1:65536", other, 0},
		{"http://127.0.0.1:x", other, 0},
		{"http://", other, 0},
		{"127.0.0.1@proxy.example.org", other, 0},
		{"", other, 0},
	} {
		got, port := other, 0
		s := proxy.Set{"https_proxy": tt.value}
		if ports := s.Local(); len(ports) == 1 {
			got, port = here, ports[0]
		}
		if len(s.Elsewhere()) > 0 {
			got = elsewhere
		}
		if got != tt.where || port != tt.port {
			t.Errorf("%q: %s, %d", tt.value, got, port)
		}
	}
	all := proxy.Set{"http_proxy": "127.0.0.1:9", "https_proxy": "localhost:2", "all_proxy": "http://127.0.0.1:9", "no_proxy": "127.0.0.1:7"}
	if got := all.Local(); !slices.Equal(got, []int{2, 9}) {
		t.Error(got)
	}
	if got := all.Loopback(); !slices.Equal(got, []string{"all_proxy", "http_proxy", "https_proxy"}) {
		t.Error(got)
	}
}

func TestSecret(t *testing.T) {
	s := proxy.Set{
		"http_proxy": "http://eve:plum7@example.org:1", "https_proxy": "http://eve@example.org:1",
		"ftp_proxy": "eve:plum7@example.org", "all_proxy": "http://example.org:1", "no_proxy": "a,b",
	}
	if got := s.Secret(); !slices.Equal(got, []string{"ftp_proxy", "http_proxy"}) {
		t.Error(got)
	}
}
