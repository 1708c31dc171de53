package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"bkt/internal/engineclient"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestBuild runs the scripts that build real images: on the engine that bkt
// brings along, with the packages of a repository on this machine. The scripts
// share one engine. They find:
//
//	$BASE      an OCI layout with dnf 5, to be used as a base image
//	$BASE4     the same with dnf 4
//	$PROXY     the address of the repository, for http_proxy
//	$PACKAGES  the folder that it serves
//	$TEMPLATES the folder of bkt's own templates
//	$REGISTRY  the address of a registry
//	$TLS_PROXY the address, for https_proxy, of what leads to an example.com on
//	           this machine
//	$CERTIFICATE  the file with the certificate of that
//	$AUTH_REGISTRY    that of one for the user "user" with the password "password"
//	$TOKEN_REGISTRY   that of one for the same user, which gives out tokens
//	$REALM_REGISTRY   the same, whose tokens are to be had at another host
//	$DOCKER_REGISTRY  that of Docker's, if the program docker-registry is installed
func TestBuild(t *testing.T) {
	if os.Getenv("BKT_REQUIRE_TOOLS") != "" {
		need(t, "jq") // which one of them stops without
	}
	w := newWorkshop(t)
	t.Run("scripts", func(t *testing.T) {
		p := params("testdata/build")
		p.Setup = w.setup
		testscript.Run(t, p)
	})
}

// setup gives a script what it finds.
func (w workshop) setup(env *testscript.Env) error {
	if err := isolate(env); err != nil {
		return err
	}
	templates, err := filepath.Abs("../../templates")
	if err != nil {
		return err
	}
	env.Setenv("PATH", w.bin+":"+os.Getenv("PATH"))
	env.Setenv("BASE", filepath.Join(w.offline, "base"))
	env.Setenv("BASE4", filepath.Join(w.offline, "base-dnf4"))
	env.Setenv("PROXY", w.proxy)
	env.Setenv("PACKAGES", filepath.Join(w.offline, "packages"))
	env.Setenv("TEMPLATES", templates)
	env.Setenv("REGISTRY", w.registry)
	env.Setenv("AUTH_REGISTRY", w.authRegistry)
	env.Setenv("TOKEN_REGISTRY", w.tokenRegistry)
	env.Setenv("REALM_REGISTRY", w.realmRegistry)
	env.Setenv("DOCKER_REGISTRY", w.dockerRegistry)
	env.Setenv("TLS_PROXY", w.tlsProxy)
	env.Setenv("CERTIFICATE", w.certificate)
	env.Setenv("XDG_DATA_HOME", w.data)
	env.Setenv("XDG_RUNTIME_DIR", w.run)
	return nil
}

// A workshop has what real builds need.
type workshop struct {
	bin       string // the programs
	offline   string // what scripts/offline.sh has made
	proxy     string // the address of the server of its packages
	data, run string // XDG_DATA_HOME and XDG_RUNTIME_DIR for the engine

	tlsProxy, certificate                  string // of an example.com on this machine
	registry, authRegistry, dockerRegistry string // host and port
	tokenRegistry, realmRegistry           string
}

func newWorkshop(t *testing.T) workshop {
	t.Helper()
	need(t, "runc")
	w := workshop{offline: offline(t)}
	dir, err := os.MkdirTemp("", "bkt") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	w.bin, w.data, w.run = filepath.Join(dir, "bin"), filepath.Join(dir, "data"), filepath.Join(dir, "run")
	compile(t, ".", w.bin, "-tags=containers_image_openpgp", ".", "../bkt-engine")
	compile(t, "../../scripts", w.bin, "./serve")
	w.proxy = "http://" + serve(t, "http://", filepath.Join(w.bin, "serve"), filepath.Join(w.offline, "packages"))
	w.certificate = filepath.Join(dir, "example.pem")
	w.tlsProxy = exampleCom(t, w.certificate)
	w.registry = serveRegistry(t, func(r http.Handler) http.Handler { return r })
	w.authRegistry = serveRegistry(t, withPassword)
	w.tokenRegistry = serveRegistry(t, withToken(""))
	w.realmRegistry = serveRegistry(t, withToken("http://127.0.0.2:1"))
	w.dockerRegistry = serveDockerRegistry(t, filepath.Join(dir, "registry"))
	t.Cleanup(func() {
		cfg := engineclient.Config{Root: filepath.Join(w.data, "bkt", "engine"), Socket: filepath.Join(w.run, "bkt", "engine.sock")}
		if _, err := engineclient.Stop(context.Background(), cfg); err != nil {
			t.Error(err)
		}
	})
	return w
}

// exampleCom serves a script as https://example.com, whose certificate it
// writes to a file. It returns the address of a proxy by which it is reached.
func exampleCom(t *testing.T, certificate string) string {
	t.Helper()
	site := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "#!/bin/sh\n") }))
	t.Cleanup(site.Close)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: site.Certificate().Raw})
	if err := os.WriteFile(certificate, text, 0o644); err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, err := net.Dial("tcp", site.Listener.Addr().String())
		if err != nil || r.Method != http.MethodConnect || r.Host != "example.com:443" {
			http.Error(w, "only example.com is here", http.StatusBadGateway)
			return
		}
		from, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { io.Copy(to, from); to.Close() }()
		io.Copy(from, to)
		from.Close()
	}))
	t.Cleanup(proxy.Close)
	return proxy.URL
}

// serveRegistry serves a registry of this process, behind a guard, and returns
// its host and port.
func serveRegistry(t *testing.T, guard func(http.Handler) http.Handler) string {
	t.Helper()
	server := httptest.NewServer(guard(registry.New(registry.Logger(log.New(io.Discard, "", 0)))))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// withPassword lets in the user "user" with the password "password".
func withPassword(inner http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user == "user" && password == "password" {
			inner.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
}

// withToken lets in who has a token, which the path /token of a host, or of the
// registry's own, gives to those whom [withPassword] lets in.
func withToken(host string) func(http.Handler) http.Handler {
	return func(inner http.Handler) http.Handler {
		token := withPassword(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"token": "T"}`) }))
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/token":
				token.ServeHTTP(w, r)
			case r.Header.Get("Authorization") == "Bearer T":
				inner.ServeHTTP(w, r)
			default:
				w.Header().Set("WWW-Authenticate", `Bearer realm="`+cmp.Or(host, "http://"+r.Host)+`/token",service="test"`)
				w.WriteHeader(http.StatusUnauthorized)
			}
		})
	}
}

// serveDockerRegistry serves Docker's registry, which keeps all in dir, and
// returns its host and port; nothing, if it is not installed.
func serveDockerRegistry(t *testing.T, dir string) string {
	t.Helper()
	if _, err := exec.LookPath("docker-registry"); err != nil {
		if _, err := exec.LookPath("apt-get"); err == nil && os.Getenv("BKT_REQUIRE_TOOLS") != "" {
			t.Fatal("docker-registry is not installed")
		}
		return ""
	}
	config := dir + ".yml"
	text := "version: 0.1\nstorage: {filesystem: {rootdirectory: " + dir + "}}\nhttp: {addr: '127.0.0.1:0'}\n"
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return serve(t, "listening on ", "docker-registry", "serve", config)
}

// need skips the test if a program is not installed, or fails where nothing may
// be skipped.
func need(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			missing(t, tool+" is not installed")
		}
	}
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("BKT_REQUIRE_TOOLS") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// offline returns the folder that scripts/offline.sh has filled.
func offline(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "bkt", "offline")
	if set := os.Getenv("BKT_CACHE"); set != "" {
		dir = filepath.Join(set, "offline")
	}
	for _, name := range []string{"base", "base-dnf4", "packages"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			missing(t, err.Error()+": scripts/offline.sh makes it")
		}
	}
	return dir
}

// compile builds programs of the module in dir into bin.
func compile(t *testing.T, dir, bin string, args ...string) {
	t.Helper()
	build := exec.Command("go", append([]string{"build", "-C", dir, "-o", bin + "/"}, args...)...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// userName is a normal user with subordinate ids, whom scripts/setup.sh makes.
const userName = "bkt-test"

// TestBuildAsUser builds the toolbox of this repository as a normal user.
func TestBuildAsUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be someone else; TestBuild has been a normal user already")
	}
	need(t, "newuidmap", "newgidmap")
	u, err := user.Lookup(userName)
	if err != nil {
		missing(t, err.Error())
	}
	w := newWorkshop(t)
	home := t.TempDir()
	copyTree(t, "../../manifests", filepath.Join(home, "repo", "manifests"))
	copyTree(t, "../../toolbox", filepath.Join(home, "repo", "toolbox"))
	copyTree(t, filepath.Join(w.offline, "base"), filepath.Join(home, "base"))
	give(t, u, home)
	cmd := exec.Command(filepath.Join(w.bin, "bkt"), "build", "toolbox", "--progress=plain",
		"--build-context=registry.fedoraproject.org/fedora-toolbox:43=oci-layout://../base",
		"--build-arg=http_proxy="+w.proxy)
	cmd.Dir = filepath.Join(home, "repo")
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + home, "USER=" + userName, "XDG_DATA_HOME=" + home + "/data"}
	buildAsRoot(t, cmd, u)
	addLine(t, filepath.Join(cmd.Dir, "toolbox", "Containerfile"), "LABEL built.by="+userName) // or nothing would be left to do
	asUser(t, cmd, u)
	stopAfterwards(t, cmd)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "Installing jq-") {
		t.Errorf("%v\n%s", err, out)
	}
	checkTakenByRoot(t, cmd, u)
}

// checkTakenByRoot checks what is said of a layout that root has begun to write and
// has not given back, as earlier versions of bkt did not.
func checkTakenByRoot(t *testing.T, cmd *exec.Cmd, u *user.User) {
	t.Helper()
	addLine(t, filepath.Join(cmd.Dir, "toolbox", "Containerfile"), "LABEL again=1")
	ingest := filepath.Join(cmd.Dir, "build", "toolbox", "ingest")
	if err := os.Mkdir(ingest, 0o755); err != nil {
		t.Fatal(err)
	}
	again := exec.Command(cmd.Path, cmd.Args[1:]...)
	again.Dir, again.Env = cmd.Dir, cmd.Env
	asUser(t, again, u)
	out, err := again.CombinedOutput()
	if err == nil || !strings.Contains(string(out), ingest+": permission denied\nbkt: hint: ") || !strings.Contains(string(out), "sudo chown -R $USER ") {
		t.Errorf("%v\n%s", err, out)
	}
}

func addLine(t *testing.T, path, line string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err := errors.Join(err, os.WriteFile(path, append(text, line+"\n"...), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// buildAsRoot has root do first what the user is going to do, as by sudo. The user
// has to be able to build on what comes of it, by an engine of the user's own.
func buildAsRoot(t *testing.T, cmd *exec.Cmd, u *user.User) {
	t.Helper()
	own := t.TempDir()
	root := exec.Command(cmd.Path, cmd.Args[1:]...)
	root.Dir = cmd.Dir
	root.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + own, "XDG_DATA_HOME=" + own, "XDG_RUNTIME_DIR=" + own, "SUDO_UID=" + u.Uid, "SUDO_USER=" + u.Username}
	stopAfterwards(t, root)
	if out, err := root.CombinedOutput(); err != nil {
		t.Fatalf("as root: %v\n%s", err, out)
	}
	want := stat(t, cmd.Dir)
	files := 0
	err := filepath.WalkDir(filepath.Join(cmd.Dir, "build"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		files++
		if s := stat(t, path); s.Uid != want.Uid || s.Gid != want.Gid {
			t.Errorf("%s is of %d:%d", path, s.Uid, s.Gid)
		}
		return nil
	})
	if err != nil || files < 5 {
		t.Errorf("%d files, %v", files, err)
	}
}

// stopAfterwards stops the engine of who runs cmd.
func stopAfterwards(t *testing.T, cmd *exec.Cmd) {
	t.Cleanup(func() {
		stop := exec.Command(cmd.Path, "engine", "stop")
		stop.Dir, stop.Env, stop.SysProcAttr = cmd.Dir, cmd.Env, cmd.SysProcAttr
		if out, err := stop.CombinedOutput(); err != nil {
			t.Errorf("engine stop: %v\n%s", err, out)
		}
	})
}

func asUser(t *testing.T, cmd *exec.Cmd, u *user.User) {
	t.Helper()
	uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(errUID, errGID); err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// give makes u the owner of all in dir, and lets u reach it.
func give(t *testing.T, u *user.User, dir string) {
	t.Helper()
	uid, errUID := strconv.Atoi(u.Uid)
	gid, errGID := strconv.Atoi(u.Gid)
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(name, uid, gid))
	})
	// The folders of t.TempDir are for its owner alone.
	if err := errors.Join(errUID, errGID, err, os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
		t.Fatal(err)
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// TestDocuments runs the commands in the documents, in a copy of this
// repository, in their order. What they build has no network, and so is given
// the offline base and packages.
func TestDocuments(t *testing.T) {
	w := newWorkshop(t)
	names, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	for _, name := range append(names, "../../README.md") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			dir := t.TempDir()
			for _, folder := range []string{"manifests", "schemas", "system", "toolbox"} {
				copyTree(t, "../../"+folder, filepath.Join(dir, folder))
			}
			copyFile(t, "../../Containerfile", filepath.Join(dir, "Containerfile"))
			elsewhere(t, filepath.Join(dir, "manifests", "distrobox.json"))
			if err := os.Symlink(filepath.Join(w.offline, "base"), filepath.Join(dir, "base")); err != nil {
				t.Fatal(err)
			}
			for _, command := range shellCommands(t, name) {
				cmd := exec.Command("sh", "-c", command)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "HOME="+home, "XDG_DATA_HOME="+w.data, "XDG_RUNTIME_DIR="+w.run,
					"XDG_CONFIG_HOME="+home, "XDG_STATE_HOME="+home, "FLATPAK_SYSTEM_DIR="+home+"/flatpak",
					"DBX_CONTAINER_MANAGER=none", "BKT_SYSTEMD_ROOT="+home+"/root",
					"PATH="+w.offlineBkt(t)+":"+home+"/.local/bin:"+os.Getenv("PATH"))
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%s", command, err, out)
				}
			}
		})
	}
}

// elsewhere makes the boxes of a manifest those of another computer.
func elsewhere(t *testing.T, name string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, []byte(`"image":`), []byte(`"hosts": ["elsewhere"], "image":`))
	if err := os.WriteFile(name, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// shellCommands returns the commands of bkt in the shell blocks of a document.
func shellCommands(t *testing.T, document string) []string {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	shell := false
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "```") {
			shell = line == "```sh\n"
		}
		command, _, _ := strings.Cut(strings.TrimSpace(line), " #")
		if shell && strings.HasPrefix(command, "bkt ") {
			all = append(all, command)
		}
	}
	return all
}

// offlineBkt returns a folder with a bkt that builds without a network.
func (w workshop) offlineBkt(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	base := "oci-layout://" + filepath.Join(w.offline, "base")
	script := "#!/bin/sh\nbkt=" + filepath.Join(w.bin, "bkt") + "\n" +
		"case \"$1 $2\" in\n" +
		"'build toolbox' | 'test toolbox' | 'hook check') exec $bkt \"$@\" --build-context registry.fedoraproject.org/fedora-toolbox:43=" + base + " --build-arg http_proxy=" + w.proxy + " ;;\n" +
		"build* | test*) exec $bkt \"$@\" --build-context registry.fedoraproject.org/fedora-toolbox:43=" + base + " --build-context quay.io/fedora/fedora-bootc:43=" + base + " --build-arg http_proxy=" + w.proxy + " ;;\n" +
		"*) exec $bkt \"$@\" ;;\nesac\n"
	if err := os.WriteFile(filepath.Join(dir, "bkt"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
