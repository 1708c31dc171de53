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
	p.Setup, p.Cmds["sign"] = w.Setup, sign
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
