package images_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bkt/internal/testkit"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// TestBuild runs the scripts that build real images: on bkt's own engine, with the
// packages of a repository on this machine. [testkit.Workshop.Setup] describes the
// variables of the scripts.
func TestBuild(t *testing.T) {
	t.Parallel()
	if os.Getenv("BKT_REQUIRE_TOOLS") != "" {
		testkit.Need(t, "jq", "pasta") // without them, some scripts stop
	}
	w := testkit.SharedWorkshop(t)
	p := testkit.Params("testdata")
	p.Setup, p.Cmds["sign"], p.Condition = w.Setup, sign, testkit.FullCondition
	testscript.Run(t, p)
}

// TestBuildAsUser builds the toolbox of this repository as a normal user.
func TestBuildAsUser(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "newuidmap", "newgidmap")
	u := testkit.NeedUser(t)
	w := testkit.SharedWorkshop(t)
	home := t.TempDir()
	testkit.CopyTree(t, "../../manifests", filepath.Join(home, "repo", "manifests"))
	testkit.CopyTree(t, "../../toolbox", filepath.Join(home, "repo", "toolbox"))
	testkit.CopyTree(t, filepath.Join(w.Offline, "base"), filepath.Join(home, "base"))
	testkit.Give(t, u, home)
	cmd := exec.Command(filepath.Join(w.Bin, "bkt"), "build", "toolbox", "--progress=plain",
		"--build-context=registry.fedoraproject.org/fedora-toolbox:43=oci-layout://../base",
		"--build-arg=http_proxy="+w.Proxy)
	cmd.Dir = filepath.Join(home, "repo")
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + home, "USER=" + testkit.UserName, "XDG_DATA_HOME=" + home + "/data"}
	buildAsRoot(t, cmd, u)
	addLine(t, filepath.Join(cmd.Dir, "toolbox", "Containerfile"), "LABEL built.by="+testkit.UserName) // otherwise nothing is to do
	testkit.RunAs(t, cmd, u)
	stopAfterwards(t, cmd)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "Installing jq-") {
		t.Errorf("%v\n%s", err, out)
	}
	checkTakenByRoot(t, cmd, u)
}

// TestLackingRights runs bkt doctor, and builds, where the machine lacks something that
// an engine needs: both must name it.
func TestLackingRights(t *testing.T) {
	t.Parallel()
	testkit.NeedRoot(t, "take rights away")
	testkit.Need(t, "newuidmap", "newgidmap", "setpriv", "unshare")
	u := testkit.NeedUser(t)
	w := testkit.SharedWorkshop(t)
	asUser := []string{"setpriv", "--reuid=" + u.Uid, "--regid=" + u.Gid, "--clear-groups"}
	few := filepath.Join(t.TempDir(), "few")
	if err := os.WriteFile(few, []byte(testkit.UserName+":200000:1000\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	fewIDs := []string{"unshare", "--mount", "--propagation=private", "sh", "-c", `mount --bind "$0" /etc/subuid && mount --bind "$0" /etc/subgid && exec "$@"`, few}
	for name, tt := range map[string]struct {
		with           []string // the command that takes a right away
		doctor, failed string
	}{
		"subordinate ids": {append(fewIDs, asUser...), "/etc/subuid: " + testkit.UserName + " has 1000 ids, and images need 65536\n", "/usr/x: a file cannot be given to its user: /etc/subuid: " + testkit.UserName + " has 1000 ids, and images need 65536\n"},
		"no_new_privs":    {append(asUser, "--no-new-privs"), "this process has no_new_privs\n", "this process has no_new_privs\n"},
		"CAP_SYS_ADMIN":   {[]string{"setpriv", "--bounding-set=-sys_admin"}, "root does not have the capability CAP_SYS_ADMIN here\n", "root does not have the capability CAP_SYS_ADMIN here\n"},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			for file, text := range map[string]string{"manifests/image.json": "{}", "Containerfile": "FROM example.org/base:1\nRUN touch /usr/x && chown 65534:65534 /usr/x\n"} {
				path := filepath.Join(home, "repo", file)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			testkit.CopyTree(t, filepath.Join(w.Offline, "base"), filepath.Join(home, "base"))
			if name != "CAP_SYS_ADMIN" {
				testkit.Give(t, u, home)
			}
			run := func(args ...string) *exec.Cmd {
				argv := append(append([]string{}, tt.with...), filepath.Join(w.Bin, "bkt"))
				cmd := exec.Command(argv[0], append(argv[1:], args...)...)
				cmd.Dir = filepath.Join(home, "repo")
				cmd.Env = []string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "HOME=" + home, "XDG_DATA_HOME=" + home + "/data"}
				return cmd
			}
			if out, _ := run("doctor").CombinedOutput(); !strings.Contains(string(out), tt.doctor) {
				t.Errorf("doctor does not say %q:\n%s", tt.doctor, out)
			}
			t.Cleanup(func() { _ = run("engine", "stop").Run() })
			out, err := run("build", "system", "-q", "--engine=own", "--build-context=example.org/base:1=oci-layout://../base").CombinedOutput()
			if err == nil || !strings.Contains(string(out), tt.failed+"bkt: hint: ") {
				t.Errorf("build does not say %q: %v\n%s", tt.failed, err, out)
			}
		})
	}
}

// checkTakenByRoot checks the message about a layout that root has begun to write and
// has not given back: earlier versions of bkt left such layouts.
func checkTakenByRoot(t *testing.T, cmd *exec.Cmd, u *user.User) {
	t.Helper()
	addLine(t, filepath.Join(cmd.Dir, "toolbox", "Containerfile"), "LABEL again=1")
	ingest := filepath.Join(cmd.Dir, "build", "toolbox", "ingest")
	if err := os.Mkdir(ingest, 0o755); err != nil {
		t.Fatal(err)
	}
	again := exec.Command(cmd.Path, cmd.Args[1:]...)
	again.Dir, again.Env = cmd.Dir, cmd.Env
	testkit.RunAs(t, again, u)
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

// buildAsRoot runs the user's command first as root, as by sudo. The user must be able
// to build in the same folder afterwards, with the user's own engine.
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

// stopAfterwards stops the engine of the user of cmd when the test ends.
func stopAfterwards(t *testing.T, cmd *exec.Cmd) {
	t.Cleanup(func() {
		stop := exec.Command(cmd.Path, "engine", "stop")
		stop.Dir, stop.Env, stop.SysProcAttr = cmd.Dir, cmd.Env, cmd.SysProcAttr
		if out, err := stop.CombinedOutput(); err != nil {
			t.Errorf("engine stop: %v\n%s", err, out)
		}
	})
}

// TestDocuments runs the commands in the documents, in a copy of this repository, in
// their order. Their builds use the offline base and packages instead of a network.
// The engine is their own: they stop it and delete its cache.
func TestDocuments(t *testing.T) {
	t.Parallel()
	w := testkit.SharedWorkshop(t).WithOwnEngine(t)
	names, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	for _, name := range append(names, "../../README.md") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			dir := t.TempDir()
			for _, folder := range []string{"manifests", "schemas", "system", "toolbox"} {
				testkit.CopyTree(t, "../../"+folder, filepath.Join(dir, folder))
			}
			testkit.CopyFile(t, "../../Containerfile", filepath.Join(dir, "Containerfile"))
			elsewhere(t, filepath.Join(dir, "manifests", "distrobox.json"))
			if err := os.Symlink(filepath.Join(w.Offline, "base"), filepath.Join(dir, "base")); err != nil {
				t.Fatal(err)
			}
			for _, command := range shellCommands(t, name) {
				cmd := exec.Command("sh", "-c", command)
				cmd.Dir = dir
				cmd.Env = append(w.Env(), "HOME="+home,
					"XDG_CONFIG_HOME="+home, "XDG_STATE_HOME="+home, "FLATPAK_SYSTEM_DIR="+home+"/flatpak",
					"DBX_CONTAINER_MANAGER=none", "BKT_SYSTEMD_ROOT="+home+"/root",
					"PATH="+w.OfflineBkt(t)+":"+home+"/.local/bin:"+os.Getenv("PATH"))
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%s", command, err, out)
				}
			}
		})
	}
}

// elsewhere moves the containers of a manifest to another computer.
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

func stat(t *testing.T, path string) *syscall.Stat_t {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t)
}
