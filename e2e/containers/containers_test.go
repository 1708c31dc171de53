package containers_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/testkit"

	"github.com/rogpeppe/go-internal/testscript"
)

// stageEnv makes the test binary run the scripts, and names the stage: the folder with
// everything that they need.
const stageEnv = "BKT_TEST_CONTAINERS"

func TestMain(m *testing.M) { testkit.Main(m) }

// TestContainers runs the scripts with the real podman and two generations of
// distrobox, as a normal user: containers of root work differently. Their images are
// built on the engine of the user who runs the test. With BKT_TEST_FULL=1, all scripts
// run with the first generation, too. The scripts find:
//
//	$BOX       an OCI layout that bkt has built, with the image of a container
//	$BASE      its base image, with dnf 5
//	$PROXY     the address of the server of packages, for http_proxy
//	$RUNTIME   the program that AppImages start with
//	[1.4]      whether distrobox is of the first generation, or else of the second
//	[full]     whether the slower tests run, too
//
// podman has the image of $BOX as localhost/box:1.
func TestContainers(t *testing.T) {
	if stage := os.Getenv(stageEnv); stage != "" {
		runScripts(t, stage)
		return
	}
	testkit.Need(t, "podman", "runc", "newuidmap", "newgidmap")
	testkit.Need(t, "dbus-daemon", "dconf", "flatpak", "gdbus", "glib-compile-schemas", "jq", "mksquashfs", "systemctl", "zip")
	w := testkit.SharedWorkshop(t)
	stage := filepath.Join(w.Dir, "b")
	prepareStage(t, w, stage)
	cmd := exec.Command(filepath.Join(stage, "test"), testFlags(t)...)
	cmd.Dir = stage
	cmd.Env = []string{
		stageEnv + "=" + stage,
		"BKT_REQUIRE_TOOLS=" + os.Getenv("BKT_REQUIRE_TOOLS"),
		"BKT_TEST_FULL=" + os.Getenv("BKT_TEST_FULL"),
		"BUILDKIT_HOST=unix://" + filepath.Join(w.Run, "bkt", "engine.sock"),
		"HOME=" + stage,
		"LANG=C.UTF-8",
		"PATH=" + w.Bin + ":/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
		"PROXY=" + w.Proxy,
		"SHELL=/bin/bash",
		"TMPDIR=" + filepath.Join(stage, "tmp"),
	}
	becomeNormal(t, cmd, stage)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}

// testFlags returns flags with which the test binary runs the subtests that this run
// has selected.
func testFlags(t *testing.T) []string {
	_, which, _ := strings.Cut(flag.Lookup("test.run").Value.String(), "/")
	return []string{"-test.run=^" + t.Name() + "$/" + which, fmt.Sprintf("-test.v=%v", testing.Verbose())}
}

// becomeNormal makes a command run as a normal user, who becomes the owner of the stage.
func becomeNormal(t *testing.T, cmd *exec.Cmd, stage string) {
	t.Helper()
	name := os.Getenv("USER")
	if os.Geteuid() == 0 {
		u := testkit.NeedUser(t)
		name = u.Username
		var err error
		testkit.Give(t, u, stage)
		// The namespace ends all processes of containers. Wrappers of the first
		// generation treat a host that is a docker container as a container of
		// distrobox.
		cmd.Args = append([]string{"unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
			"sh", "-c", `test ! -e /.dockerenv || mount --bind /dev/null /.dockerenv; setpriv --reuid="$0" --regid="$0" --init-groups "$@"; exit $?`, name, cmd.Path}, cmd.Args[1:]...)
		if cmd.Path, err = exec.LookPath("unshare"); err != nil {
			t.Fatal(err)
		}
	}
	cmd.Env = append(cmd.Env, "USER="+name)
}

// containerImage is the image of a container. distrobox requires commands that the base
// lacks. It would install them at the first start, but the repository has no packages
// for them, and apt-get, which it would prefer to dnf, has no repository here. The
// first generation calls chpasswd in a way that newer versions refuse.
const containerImage = `FROM example.org/base:1
RUN for command in \
        bc bzip2 curl diff find findmnt gpg hostname less lsof man mount passwd pigz \
        pinentry ping ps rsync script ssh sudo time tree umount unzip useradd wc wget xauth zip; \
    do command -v "$command" || ln -s true "/usr/bin/$command"; done; \
    ln -sf /usr/bin/true /usr/sbin/chpasswd; ln -sf true /usr/bin/localedef; \
    mkdir -p /usr/share/i18n/charmaps /usr/share/zoneinfo; touch /usr/share/zoneinfo/UTC; \
    rm /usr/bin/apt-get
RUN mkdir /opt/tools; \
    for word in hello bye; do printf '#!/bin/sh\necho "%s from $CONTAINER_ID: $*"\n' "$word" >/opt/tools/$word; done; \
    chmod +x /opt/tools/*
ENV PATH=$PATH:/opt/image
`

// prepareStage copies the files that the scripts need to the stage, and lets every user
// use the engine.
func prepareStage(t *testing.T, w *testkit.Workshop, stage string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run, repo := filepath.Join(w.Run, "bkt"), filepath.Join(stage, "repo")
	err = errors.Join(os.MkdirAll(filepath.Join(stage, "tmp"), 0o755), os.CopyFS(filepath.Join(stage, "testdata"), os.DirFS("testdata")),
		os.MkdirAll(filepath.Join(repo, "manifests"), 0o755), os.MkdirAll(filepath.Join(repo, "toolbox"), 0o755),
		os.WriteFile(filepath.Join(repo, "toolbox", "Containerfile"), []byte(containerImage), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	testkit.CopyFile(t, self, filepath.Join(stage, "test"))
	testkit.CopyFile(t, filepath.Join(testkit.Offline(t, "appimage"), "appimage", "runtime"), filepath.Join(stage, "runtime"))
	testkit.CopyTree(t, filepath.Join(w.Offline, "base"), filepath.Join(stage, "base"))
	testkit.CopyTree(t, filepath.Join(w.Offline, "distrobox"), filepath.Join(stage, "distrobox"))
	build := exec.Command(filepath.Join(w.Bin, "bkt"), "build", "toolbox", "--engine=own", "--progress=plain",
		"--output="+filepath.Join(stage, "box"), "--build-context=example.org/base:1=oci-layout://"+filepath.Join(stage, "base"))
	build.Dir = repo
	build.Env = w.Env()
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	err = errors.Join(os.Chmod(filepath.Join(stage, "test"), 0o755), os.Chmod(w.Run, 0o755), os.Chmod(run, 0o755), os.Chmod(filepath.Join(run, "engine.sock"), 0o666))
	if err != nil {
		t.Fatal(err)
	}
}

// runScripts runs the scripts on a stage.
func runScripts(t *testing.T, stage string) {
	loadImage(t, stage)
	for _, generation := range []string{"1.4", "1.8"} {
		t.Run(generation, func(t *testing.T) {
			p := testkit.Params("testdata")
			if generation == "1.4" && !testkit.Full() {
				t.Log("only create and options: make test-full runs all scripts with this generation")
				p.Dir, p.Files = "", []string{"testdata/create.txtar", "testdata/options.txtar"}
			}
			p.WorkdirRoot = t.TempDir()
			p.Condition = func(name string) (bool, error) {
				if name == "1.4" {
					return generation == name, nil
				}
				return testkit.FullCondition(name)
			}
			p.Setup = func(env *testscript.Env) error { return setUpScript(env, stage, generation) }
			testscript.Run(t, p)
		})
	}
}

// setUpScript prepares a script.
func setUpScript(env *testscript.Env, stage, generation string) error {
	if err := testkit.Isolate(env); err != nil {
		return err
	}
	// If the paths of sockets are longer, podman never sees containers end.
	run, err := os.MkdirTemp(stage, "r")
	if err != nil {
		return err
	}
	env.Setenv("XDG_RUNTIME_DIR", run)
	env.Setenv("BASE", filepath.Join(stage, "base"))
	env.Setenv("BOX", filepath.Join(stage, "box"))
	env.Setenv("RUNTIME", filepath.Join(stage, "runtime"))
	for _, name := range []string{"BUILDKIT_HOST", "LANG", "PROXY", "SHELL", "USER"} {
		env.Setenv(name, os.Getenv(name))
	}
	env.Setenv("PATH", filepath.Join(stage, "distrobox", generation, "usr", "bin")+":"+os.Getenv("PATH"))
	env.Setenv("http_proxy", os.Getenv("PROXY")) // podman passes it to containers
	env.Setenv("DBX_CONTAINER_MANAGER", "podman")
	env.Setenv("DBX_NON_INTERACTIVE", "1")
	if err := configurePodman(env.Getenv("HOME"), filepath.Join(stage, "images")); err != nil {
		return err
	}
	// Without an address, podman starts a bus that does not end.
	env.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
	vars, data := env.Vars, env.Getenv("XDG_DATA_HOME")
	env.Defer(func() {
		if err := errors.Join(cleanPodman(vars, filepath.Join(data, "containers")), os.RemoveAll(run)); err != nil {
			env.T().Log(err)
		}
	})
	return nil
}

// configurePodman makes the podman of a home work without systemd, and find images in
// a folder, too.
func configurePodman(home, images string) error {
	dir := filepath.Join(home, ".config", "containers")
	const engine = "[engine]\nruntime = \"runc\"\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n"
	storage := "[storage]\ndriver = \"overlay\"\n"
	if images != "" {
		storage += fmt.Sprintf("[storage.options]\nadditionalimagestores = [%q]\n", images)
	}
	return errors.Join(os.MkdirAll(dir, 0o755),
		os.WriteFile(filepath.Join(dir, "containers.conf"), []byte(engine), 0o644),
		os.WriteFile(filepath.Join(dir, "storage.conf"), []byte(storage), 0o644))
}

// cleanPodman stops all containers, and the process that holds podman's namespace, and
// removes the files in dir, which belong to users of that namespace.
func cleanPodman(vars []string, dir string) error {
	clean := exec.Command("sh", "-c", `podman rm --all --force --time=0
podman unshare sh -c 'umount -l "$0"/*/overlay "$0/overlay"; rm -rf "$0"' "$0"
podman system migrate; test ! -e "$0"`, dir)
	clean.Env = vars
	if out, err := clean.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// loadImage loads the image of a container into a folder where the podman of each
// script finds it, together with a copy whose files have the owners that a container
// needs.
func loadImage(t *testing.T, stage string) {
	t.Helper()
	home := filepath.Join(stage, "home")
	vars := append(os.Environ(), "HOME="+home, "XDG_RUNTIME_DIR="+filepath.Join(home, "run"), "XDG_DATA_HOME="+home)
	err := errors.Join(os.MkdirAll(filepath.Join(home, "run"), 0o700), configurePodman(home, ""))
	if err != nil {
		t.Fatal(err)
	}
	images := filepath.Join(stage, "images")
	load := exec.Command("sh", "-c", `set -e
podman() { command podman --root="$0" "$@"; }
id=$(podman pull --quiet oci:box)
podman tag "$id" localhost/box:1
podman create --name=box --userns=keep-id "$id" true
podman rm box`, images)
	load.Dir, load.Env = stage, vars
	t.Cleanup(func() {
		if err := cleanPodman(vars, images); err != nil {
			t.Error(err)
		}
	})
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
