package buildkit

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"bkt/internal/buildspec"
	"bkt/internal/engine/contract"
	"bkt/internal/engineclient"
	"bkt/internal/hint"
	"bkt/internal/proxy"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/solver/pb"
)

// TestAddProxies checks that proxies of the environment get a name that no ARG has, and
// that those of build arguments keep theirs.
func TestAddProxies(t *testing.T) {
	b := Builder{Proxies: proxy.Set{"http_proxy": "http://env:1", "https_proxy": "http://env:2", "no_proxy": "a"}}
	s := buildspec.Spec{Args: map[string]string{"HTTPS_PROXY": "http://arg:2", "no_proxy": "", "CHANNEL": "stable"}}
	for network, want := range map[string]map[string]string{
		"": {
			"build-arg:Http_proxy": "http://env:1", "build-arg:Https_proxy": "http://arg:2",
			"build-arg:HTTPS_PROXY": "http://arg:2", "build-arg:no_proxy": "",
		},
		NoNetwork: {"build-arg:Https_proxy": "http://arg:2", "build-arg:HTTPS_PROXY": "http://arg:2", "build-arg:no_proxy": ""},
	} {
		b.Network = network
		opts := map[string]string{}
		b.addProxies(opts, s)
		if diff := cmp.Diff(want, opts); diff != "" {
			t.Errorf("%q: %s", network, diff)
		}
	}
	for key := range b.attributes(s) {
		if strings.Contains(strings.ToLower(key), "proxy") {
			t.Errorf("the engine gets %s as an option", key)
		}
	}
}

func TestPorts(t *testing.T) {
	b := Builder{Ports: []int{5432, 80}, Proxies: proxy.Set{"http_proxy": "http://127.0.0.1:80", "https_proxy": "http://localhost:3128"}}
	s := buildspec.Spec{Args: map[string]string{"all_proxy": "socks5://127.0.0.1:9050"}}
	for network, want := range map[string][]int{"": {80, 3128, 5432, 9050}, DefaultNetwork: {80, 3128, 5432, 9050}, NoNetwork: {80, 5432}} {
		b.Network = network
		if got := b.ports(s); !slices.Equal(got, want) {
			t.Errorf("%q: %v", network, got)
		}
	}
}

// TestTell checks that a network other than the one that was asked for is reported
// once: as a warning if steps reach more than they should, or else as a note.
func TestTell(t *testing.T) {
	missing := hint.Add(errors.New("pasta is not installed"), "install passt")
	for _, tt := range []struct {
		name        string
		first, last contract.NetworkStatus
		warnings    []string
		notes       []string
	}{
		{"own", contract.NewNetworkStatus(contract.OwnNetwork, nil), contract.NewNetworkStatus(contract.OwnNetwork, nil), nil, nil},
		{"host", contract.NewNetworkStatus(contract.HostNetwork, missing), contract.NewNetworkStatus(contract.HostNetwork, missing),
			[]string{"steps have the network of this machine, and reach its local services: pasta is not installed"}, nil},
		{"host later", contract.NewNetworkStatus(contract.OwnNetwork, nil), contract.NewNetworkStatus(contract.HostNetwork, missing),
			[]string{"steps have the network of this machine, and reach its local services: pasta is not installed"}, nil},
		{"closed", contract.NewNetworkStatus(contract.ClosedNetwork, errors.New("no default route")), contract.NewNetworkStatus(contract.ClosedNetwork, errors.New("no default route")),
			nil, []string{"no default route"}},
	} {
		var warnings, notes []string
		n := &stepNetwork{
			warn: func(err error) {
				warnings = append(warnings, err.Error())
				if !slices.Contains(hint.Of(err), "install passt") {
					t.Errorf("%s: %q", tt.name, hint.Of(err))
				}
			},
			note: func(line string) { notes = append(notes, line) },
		}
		n.set(tt.first)
		n.tell()
		n.set(tt.last)
		n.tell()
		if !slices.Equal(warnings, tt.warnings) || !slices.Equal(notes, tt.notes) {
			t.Errorf("%s: %q, %q", tt.name, warnings, notes)
		}
	}
}

// TestTellElsewhere checks that a proxy that steps do not reach is reported.
func TestTellElsewhere(t *testing.T) {
	proxies := proxy.Set{"http_proxy": "http://eve:plum7@127.0.0.53:3128", "https_proxy": "http://127.0.0.1:1"}
	for _, tt := range []struct {
		mode    pb.NetMode
		network string
		want    int
	}{
		{pb.NetMode_UNSET, contract.OwnNetwork, 1}, {pb.NetMode_UNSET, contract.HostNetwork, 0}, {pb.NetMode_NONE, contract.ClosedNetwork, 0},
	} {
		var warnings []string
		n := &stepNetwork{mode: tt.mode, warn: func(err error) { warnings = append(warnings, err.Error()) }}
		n.set(contract.NewNetworkStatus(tt.network, nil))
		n.tellElsewhere(proxies)
		if len(warnings) != tt.want || strings.Contains(strings.Join(warnings, ""), "plum7") {
			t.Errorf("%s: %q", tt.network, warnings)
		}
	}
}

func TestWithCause(t *testing.T) {
	failed := errors.New("exit code: 7")
	for _, tt := range []struct {
		name    string
		mode    pb.NetMode
		network string
		err     error
		hint    string
	}{
		{"another port", pb.NetMode_UNSET, contract.OwnNetwork, unreachedError{failed, 8080}, "--allow-host-port 8080"},
		{"an allowed port", pb.NetMode_UNSET, contract.OwnNetwork, unreachedError{failed, 80}, ""},
		{"a name", pb.NetMode_UNSET, contract.OwnNetwork, unreachedError{failed, 0}, ""},
		{"no route", pb.NetMode_UNSET, contract.ClosedNetwork, unreachedError{failed, 0}, "no default route"},
		{"host", pb.NetMode_HOST, "", unreachedError{failed, 8080}, ""},
		{"a foreign engine", pb.NetMode_UNSET, "", unreachedError{failed, 8080}, ""},
		{"none", pb.NetMode_NONE, "", unreachedError{failed, 0}, "--network none"},
		{"none, a port", pb.NetMode_NONE, "", unreachedError{failed, 8080}, "--network none"},
		{"another error", pb.NetMode_NONE, "", failed, ""},
		{"a step that wants the host", pb.NetMode_UNSET, contract.OwnNetwork, errors.New("network.host is not allowed"), "add --network host"},
		{"an engine that refuses", pb.NetMode_HOST, "", errors.New("granting entitlement network.host is not allowed by build daemon configuration"), "--allow-insecure-entitlement network.host"},
	} {
		n := &stepNetwork{mode: tt.mode, ports: []int{80}}
		if tt.network != "" {
			n.set(contract.NewNetworkStatus(tt.network, errors.New("no default route")))
		}
		err := n.withCause(tt.err)
		hints := strings.Join(hint.Of(err), "\n")
		if !errors.Is(err, tt.err) && err != tt.err || (hints == "") != (tt.hint == "") || !strings.Contains(hints, tt.hint) {
			t.Errorf("%s: %v: %q", tt.name, err, hints)
		}
	}
}

// TestReachable checks that steps of other engines do not get proxies of the environment
// that are on this machine, unless they have its network.
func TestReachable(t *testing.T) {
	b := Builder{Proxies: proxy.Set{"http_proxy": "http://127.0.0.1:1", "https_proxy": "http://eve:plum7@localhost:2", "all_proxy": "http://example.org:3"}}
	s := buildspec.Spec{Args: map[string]string{"HTTP_PROXY": "http://127.0.0.1:1"}} // the same
	for _, tt := range []struct {
		address string
		mode    pb.NetMode
		want    []string
	}{
		{engineclient.Own, pb.NetMode_UNSET, []string{"all_proxy", "http_proxy", "https_proxy"}},
		{"unix:///x", pb.NetMode_HOST, []string{"all_proxy", "http_proxy", "https_proxy"}},
		{"unix:///x", pb.NetMode_UNSET, []string{"all_proxy", "http_proxy"}}, // the latter is a build argument
	} {
		var warnings []string
		n := &stepNetwork{mode: tt.mode, warn: func(err error) { warnings = append(warnings, err.Error()) }}
		got := slices.Sorted(maps.Keys(n.reachable(b, &engineclient.Connection{Address: tt.address}, s)))
		text := strings.Join(warnings, "\n")
		if !slices.Equal(got, tt.want) || len(got)+len(warnings) != 3 || strings.Contains(text, "plum7") {
			t.Errorf("%s, %v: %q, %q", tt.address, tt.mode, got, text)
		}
	}
}
