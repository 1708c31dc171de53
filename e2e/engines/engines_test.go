package engines_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/testkit"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// TestEngines runs the scripts that build with other engines than bkt's own: a
// buildkitd, and the BuildKit inside a dockerd. In addition to the variables of
// [testkit.Workshop.Setup], the scripts find:
//
//	$BIN       the folder with bkt's programs
//	$SOCKET    the unix socket of the buildkitd
//	$RUNTIME   the XDG_RUNTIME_DIR in which bkt finds that socket
//	$REMOTE    the tcp:// address of the buildkitd, which requires TLS
//	$CERTS     the folder with the certificates that it accepts
//	$STRANGERS the folder with certificates of another authority
//	$DOCKERD   the unix socket of the dockerd, which has the base as example.org/base:1
//
// Each script's podman stores images in the folder of the script.
func TestEngines(t *testing.T) {
	testkit.NeedRoot(t, "run a buildkitd and a dockerd")
	testkit.Need(t, "dockerd", "docker", "podman")
	w := testkit.SharedWorkshop(t)
	bin := t.TempDir()
	if err := testkit.Compile("../../scripts/bench", bin, "github.com/moby/buildkit/cmd/buildkitd"); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(w.Dir, "user", "buildkit", "buildkitd.sock")
	certs := newCertificates(t)
	said := daemon(t, []string{"running server on " + socket, "running server on 127.0.0.1:"}, filepath.Join(bin, "buildkitd"),
		"--root="+w.Dir+"/buildkitd", "--addr=unix://"+socket, "--oci-worker-net=host",
		"--addr=tcp://127.0.0.1:0", "--tlscacert="+certs.server+"/ca.pem", "--tlscert="+certs.server+"/cert.pem", "--tlskey="+certs.server+"/key.pem")
	remote := "tcp://" + testkit.OnLoopback.FindString(said)
	docker := startDockerd(t, w.Dir)
	load(t, docker, filepath.Join(w.Offline, "base"), "example.org/base:1")
	t.Run("scripts", func(t *testing.T) {
		p := testkit.Params("testdata")
		p.Condition = testkit.FullCondition
		p.Setup = func(env *testscript.Env) error {
			if err := w.Setup(env); err != nil {
				return err
			}
			env.Setenv("BIN", w.Bin)
			env.Setenv("SOCKET", socket)
			env.Setenv("RUNTIME", filepath.Join(w.Dir, "user"))
			env.Setenv("DOCKERD", docker)
			env.Setenv("REMOTE", remote)
			env.Setenv("CERTS", certs.client)
			env.Setenv("STRANGERS", certs.stranger)
			return keepPodmanHere(env)
		}
		testscript.Run(t, p)
	})
	// The images that it has kept for builds have no name any more.
	if names := askDocker(t, docker, http.MethodGet, "/images/json", nil); strings.Contains(names, "bkt-build") {
		t.Error(names)
	}
}

// daemon runs a program until the test ends, and returns its output when it is ready.
func daemon(t *testing.T, ready []string, argv ...string) string {
	t.Helper()
	d, err := testkit.StartDaemon(ready, argv...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Stop() })
	return d.Output()
}

// startDockerd runs a dockerd in dir that stores images in its own format, as all but
// the newest versions do, and returns its socket.
func startDockerd(t *testing.T, dir string) string {
	t.Helper()
	socket, config := filepath.Join(dir, "docker.sock"), filepath.Join(dir, "docker.json")
	if err := os.WriteFile(config, []byte(`{"features": {"containerd-snapshotter": false}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	daemon(t, []string{"API listen on " + socket}, "dockerd", "--bridge=none", "--iptables=false", "--ip6tables=false",
		"--config-file="+config, "--data-root="+dir+"/docker", "--exec-root="+dir+"/exec", "--pidfile="+dir+"/pid", "--host=unix://"+socket)
	return socket
}

// keepPodmanHere makes podman store its images in the folder of a script, in a format
// that needs no mounts, and ask for no limits that root may not be allowed to set.
func keepPodmanHere(env *testscript.Env) error {
	dir := filepath.Join(env.WorkDir, ".test")
	storage := fmt.Sprintf("[storage]\ndriver = \"vfs\"\nrunroot = %q\ngraphroot = %q\n", dir+"/podman-run", dir+"/podman")
	const engine = "[engine]\nruntime = \"runc\"\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n" +
		"[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=4096:4096\"]\n"
	env.Setenv("CONTAINERS_STORAGE_CONF", dir+"/storage.conf")
	env.Setenv("CONTAINERS_CONF", dir+"/containers.conf")
	return errors.Join(
		os.WriteFile(dir+"/storage.conf", []byte(storage), 0o644),
		os.WriteFile(dir+"/containers.conf", []byte(engine), 0o644))
}

// load loads the image of an OCI layout into a dockerd under a name.
func load(t *testing.T, socket, dir, ref string) {
	t.Helper()
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	img, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	archive, writer := io.Pipe()
	go func() { writer.CloseWithError(tarball.Write(tag, img, writer)) }()
	text := askDocker(t, socket, http.MethodPost, "/images/load", archive)
	if !strings.Contains(text, "Loaded image: "+ref) {
		t.Fatalf("docker load: %s", text)
	}
}

// askDocker sends a request to a dockerd and returns the response.
func askDocker(t *testing.T, socket, method, path string, body io.Reader) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://docker"+path, body)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 300 {
		t.Fatalf("%s: %s %v\n%s", path, answer.Status, err, text)
	}
	return string(text)
}
