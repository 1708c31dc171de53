package testkit

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// A Workshop has what real builds need: programs, packages, registries, and the
// folders of an engine.
type Workshop struct {
	Dir     string // the folder with everything that this package's tests write
	Bin     string // the programs
	Offline string // the output of scripts/offline.sh
	Proxy   string // the address of the server of its packages
	Data    string // XDG_DATA_HOME of the engine
	Run     string // XDG_RUNTIME_DIR of the engine

	tlsProxy, certificate                  string // of an example.com on this machine
	registry, authRegistry, dockerRegistry string // host and port
	tokenRegistry, realmRegistry           string

	closers []func() error
}

// SharedWorkshop returns the workshop of this test's package. All tests of the package
// share it and its engine, so that the engine starts once and imports the base images
// once. Tests distinguish their cache mounts by the name of their repository. The
// package's TestMain must call [Main].
func SharedWorkshop(t testing.TB) *Workshop {
	t.Helper()
	Need(t, "runc")
	Offline(t, "base", "base-dnf4", "packages")
	w, err := workshop()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

var workshop = sync.OnceValues(func() (*Workshop, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	w := &Workshop{Bin: bin}
	onRelease(w.close) // before the programs, which it runs, are removed
	return w, w.open()
})

func (w *Workshop) open() (err error) {
	if w.Offline, err = CacheDir(); err != nil {
		return err
	}
	if w.Dir, err = os.MkdirTemp("", "bkt"); err != nil { // a socket's path must be short
		return err
	}
	w.closers = append(w.closers, func() error { return os.RemoveAll(w.Dir) })
	if err := os.Chmod(w.Dir, 0o755); err != nil {
		return err
	}
	w.Data, w.Run = filepath.Join(w.Dir, "data"), filepath.Join(w.Dir, "run")
	w.closers = append(w.closers, w.stopEngine)
	return w.openServers()
}

func (w *Workshop) openServers() error {
	address, errPackages := w.serve("http://", filepath.Join(w.Bin, "serve"), filepath.Join(w.Offline, "packages"))
	w.Proxy = "http://" + address
	w.certificate = filepath.Join(w.Dir, "example.pem")
	var errProxy, errDocker error
	w.tlsProxy, errProxy = w.exampleCom(w.certificate)
	w.registry = w.serveRegistry(func(r http.Handler) http.Handler { return r })
	w.authRegistry = w.serveRegistry(withPassword)
	w.tokenRegistry = w.serveRegistry(withToken(""))
	w.realmRegistry = w.serveRegistry(withToken("http://127.0.0.2:1"))
	w.dockerRegistry, errDocker = w.serveDockerRegistry(filepath.Join(w.Dir, "registry"))
	return errors.Join(errPackages, errProxy, errDocker)
}

// serve runs a server until the workshop closes and returns its host and port,
// which the server prints after the text ready.
func (w *Workshop) serve(ready string, argv ...string) (string, error) {
	d, err := StartDaemon([]string{ready}, argv...)
	if err != nil {
		return "", err
	}
	w.closers = append(w.closers, d.Stop)
	_, rest, _ := strings.Cut(d.Output(), ready)
	return OnLoopback.FindString(rest), nil
}

func (w *Workshop) stopEngine() error {
	stop := exec.Command(filepath.Join(w.Bin, "bkt"), "engine", "stop")
	stop.Dir, stop.Env = w.Dir, w.Env()
	if out, err := stop.CombinedOutput(); err != nil {
		return fmt.Errorf("engine stop: %w\n%s", err, out)
	}
	return nil
}

// Env returns an environment in which bkt uses the workshop's engine.
func (w *Workshop) Env() []string {
	return append(os.Environ(), "XDG_DATA_HOME="+w.Data, "XDG_RUNTIME_DIR="+w.Run)
}

// WithOwnEngine returns the workshop with another engine, which no other test uses. It
// stops when the test ends.
func (w *Workshop) WithOwnEngine(t testing.TB) *Workshop {
	t.Helper()
	dir, err := os.MkdirTemp("", "bkt") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	own := *w
	own.closers = nil
	own.Data, own.Run = filepath.Join(dir, "data"), filepath.Join(dir, "run")
	t.Cleanup(func() {
		if err := errors.Join(own.stopEngine(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	return &own
}

func (w *Workshop) onClose(f func()) {
	w.closers = append(w.closers, func() error { f(); return nil })
}

func (w *Workshop) close() error {
	var errs []error
	for _, f := range slices.Backward(w.closers) {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// Setup prepares a script that builds images. The script finds:
//
//	$BASE      an OCI layout with dnf 5, to be used as a base image
//	$BASE4     the same with dnf 4
//	$PROXY     the address of the server of packages, for http_proxy
//	$PACKAGES  the folder that it serves
//	$TEMPLATES the folder of bkt's own templates
//	$REGISTRY  the address of a registry
//	$TLS_PROXY the address, for https_proxy, of a proxy that leads to an
//	           example.com on this machine
//	$CERTIFICATE  the file with the certificate of that example.com
//	$AUTH_REGISTRY    a registry for the user "user" with the password "password"
//	$TOKEN_REGISTRY   a registry for the same user that gives out tokens
//	$REALM_REGISTRY   the same, with its tokens at another host
//	$DOCKER_REGISTRY  Docker's registry, if the program docker-registry is installed
func (w *Workshop) Setup(env *testscript.Env) error {
	if err := Isolate(env); err != nil {
		return err
	}
	root, err := Root()
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"PATH":            w.Bin + ":" + os.Getenv("PATH"),
		"BASE":            filepath.Join(w.Offline, "base"),
		"BASE4":           filepath.Join(w.Offline, "base-dnf4"),
		"PROXY":           w.Proxy,
		"PACKAGES":        filepath.Join(w.Offline, "packages"),
		"TEMPLATES":       filepath.Join(root, "templates"),
		"REGISTRY":        w.registry,
		"AUTH_REGISTRY":   w.authRegistry,
		"TOKEN_REGISTRY":  w.tokenRegistry,
		"REALM_REGISTRY":  w.realmRegistry,
		"DOCKER_REGISTRY": w.dockerRegistry,
		"TLS_PROXY":       w.tlsProxy,
		"CERTIFICATE":     w.certificate,
		"XDG_DATA_HOME":   w.Data,
		"XDG_RUNTIME_DIR": w.Run,
	} {
		env.Setenv(name, value)
	}
	return nil
}

// DockerRegistry returns the host and the port of Docker's registry.
func (w *Workshop) DockerRegistry() string { return w.dockerRegistry }

// OfflineBkt returns a folder with a bkt that builds this repository's images
// without a network.
func (w *Workshop) OfflineBkt(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	base := "oci-layout://" + filepath.Join(w.Offline, "base")
	script := "#!/bin/sh\nbkt=" + filepath.Join(w.Bin, "bkt") + "\n" +
		"case \"$1 $2\" in\n" +
		"'build toolbox' | 'test toolbox' | 'hook check') exec $bkt \"$@\" --build-context registry.fedoraproject.org/fedora-toolbox:43=" + base + " --build-arg http_proxy=" + w.Proxy + " ;;\n" +
		"build* | test*) exec $bkt \"$@\" --build-context registry.fedoraproject.org/fedora-toolbox:43=" + base + " --build-context quay.io/fedora/fedora-bootc:43=" + base + " --build-arg http_proxy=" + w.Proxy + " ;;\n" +
		"*) exec $bkt \"$@\" ;;\nesac\n"
	if err := os.WriteFile(filepath.Join(dir, "bkt"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
