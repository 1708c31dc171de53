package engineclient

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/hint"

	"github.com/google/go-cmp/cmp"
)

// nowhere returns the configuration of a machine without any engine.
func nowhere(t *testing.T) Config {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	return Config{
		Address:    Auto,
		Root:       filepath.Join(dir, "root"),
		ProgramErr: hint.Add(errors.New("it is not installed"), "install it"),
		Discovery:  Discovery{Runtime: dir, System: filepath.Join(dir, "system"), Docker: "unix://" + dir + "/docker.sock"},
	}
}

func TestNoEngineListsReasons(t *testing.T) {
	cfg := nowhere(t)
	_, err := Connect(t.Context(), cfg, func(string) {})
	dir := cfg.Discovery.Runtime
	want := []string{
		"no engine is available",
		"bkt's own engine: it is not installed",
		"the user's buildkitd: " + dir + "/buildkit/buildkitd.sock does not exist",
		"the system's buildkitd: " + dir + "/system/buildkit/buildkitd.sock does not exist",
		"a BuildKit in podman: podman is not installed",
		"a BuildKit in docker: docker is not installed",
		"the BuildKit inside dockerd: " + dir + "/docker.sock does not exist",
	}
	var got []string
	for _, e := range hint.Split(err) {
		got = append(got, e.Error())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"fix one of those below, or name one with --engine", "install it"}, hint.Of(err)); diff != "" {
		t.Errorf("hints: -want +got:\n%s", diff)
	}
}

// TestOnlyUnfitEngineIsSkipped checks that an own engine that fails to start for
// another reason than the machine ends the search.
func TestOnlyUnfitEngineIsSkipped(t *testing.T) {
	cfg := nowhere(t)
	cfg.Program = filepath.Join(cfg.Discovery.Runtime, "broken")
	if err := os.WriteFile(cfg.Program, []byte("#!/bin/sh\necho broken >&2\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := Connect(t.Context(), cfg, func(string) {})
	if err == nil || err.Error() != "starting the engine: it ended without a report: broken" {
		t.Error(err)
	}
}

// TestContainers uses a script in place of podman.
func TestContainers(t *testing.T) {
	for name, test := range map[string]struct{ ps, want string }{
		"of buildx":     {"echo web; echo buildx_buildkit_box0", "podman-container://buildx_buildkit_box0"},
		"by its name":   {"echo buildkitd", "podman-container://buildkitd"},
		"none":          {"echo web; echo my-buildkitd-logs", "no container called buildkitd or buildx_buildkit_… is running"},
		"does not work": {"echo first >&2; echo 'no such storage' >&2; exit 125", "podman ps: exit status 125: no such storage"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "podman"), []byte("#!/bin/sh\n"+test.ps+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir)
			got, err := containerOf("podman")(t.Context())
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestDockerAddresses(t *testing.T) {
	for _, test := range []struct{ address, host, want string }{
		{"docker", "", "unix:///var/run/docker.sock"},
		{"docker", "unix:///run/user/1/docker.sock", "unix:///run/user/1/docker.sock"},
		{"docker", "tcp://127.0.0.1:2375", "tcp://127.0.0.1:2375"},
		{"docker", "ssh://somewhere", "DOCKER_HOST ssh://somewhere: only unix:// and tcp:// are supported"},
		{"docker:///run/docker.sock", "tcp://ignored:1", "unix:///run/docker.sock"},
		{"docker://127.0.0.1:2375", "", "tcp://127.0.0.1:2375"},
		{"docker://", "", "an address of dockerd needs a socket, as in docker:///run/docker.sock, or a host and port"},
		{"docker-container://x", "", "none"},
	} {
		d, ok, err := Config{Discovery: Discovery{Docker: test.host}}.dockerd(test.address)
		got := d.String()
		switch {
		case err != nil:
			got = err.Error()
		case !ok:
			got = "none"
		}
		if got != test.want {
			t.Errorf("%s with DOCKER_HOST=%s: %s, want %s", test.address, test.host, got, test.want)
		}
	}
}

// TestNoBuildKitInside connects to a server of docker's API without a BuildKit,
// like podman's.
func TestNoBuildKitInside(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	cfg := nowhere(t)
	cfg.Address = "docker://" + strings.TrimPrefix(server.URL, "http://")
	_, err := Connect(t.Context(), cfg, func(string) {})
	if err == nil || !strings.HasSuffix(err.Error(), ": it has no BuildKit") {
		t.Error(err)
	}
}

// TestCancelSilentEngine checks that the wait for a dockerd that accepts
// connections and does not answer ends with the context.
func TestCancelSilentEngine(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	connected := make(chan net.Conn)
	go func() {
		c, err := silent.Accept()
		if err == nil {
			connected <- c
		}
	}()
	d := Daemon{"tcp", silent.Addr().String()}
	left := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, err := d.upgrade(ctx, "/grpc", "h2c", nil)
		left <- err
	}()
	defer (<-connected).Close()
	cancel()
	if err := <-left; err == nil {
		t.Error("no error")
	}
}
