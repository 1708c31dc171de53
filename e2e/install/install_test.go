package install_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"bkt/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// A way is one by which users install and remove bkt. Its commands run in the folder with
// what a user has downloaded.
type way struct {
	format          string // of scripts/package.sh
	install, remove []string
	user            []string // what the user runs without root, after install
}

// ways are those of README.md.
var ways = map[string]way{
	"rpm": {
		format:  "rpm",
		install: []string{"dnf install -y ./bkt-*.rpm"},
		remove:  []string{"dnf remove -y bkt"},
	},
	"deb": {
		format:  "deb",
		install: []string{"apt-get update", "apt-get install -y ./bkt_*.deb"},
		remove:  []string{"apt-get purge -y bkt"},
	},
	"archive": {
		format:  "archive",
		install: []string{"apt-get update", "apt-get install -y git passt runc uidmap"},
		user:    []string{"mkdir -p ~/.local", "tar -xzf /srv/bkt-*.tar.gz --strip-components=1 -C ~/.local"},
	},
}

// TestInstalled installs what "make release" makes, on a system that has nothing of what
// bkt needs, and goes through a first session as a user without root. The session is the
// same for all ways.
func TestInstalled(t *testing.T) {
	t.Parallel()
	if !testkit.Full() {
		t.Skip("make test-full runs it")
	}
	w := testkit.SharedWorkshop(t)
	testkit.NeedRoot(t, "install packages")
	testkit.Need(t, "unshare", "pivot_root")
	testkit.Offline(t, "desktop")
	for name, way := range ways {
		t.Run(name, func(t *testing.T) { // not in parallel: each system takes 600 MB
			m := newMachine(t, w, way.format)
			for _, command := range way.install {
				m.root(t, "cd /srv && "+command)
			}
			m.root(t, "useradd --create-home --shell /bin/bash me")
			m.install(t, "home/me/offline/bkt", 0o755, offlineBkt(w))
			compare(t, "testdata/session.txt", m.session(t, append(way.user, commands(t, "testdata/session.txt")...))[len(way.user):])
			for _, command := range way.remove {
				m.root(t, command)
			}
			if way.remove != nil {
				m.root(t, `left=$(find /usr /etc -name '*bkt*') && test -z "$left" || { echo "$left"; exit 1; }`)
			}
		})
	}
}

// TestImage builds the image with bkt of an RPM, as "make release-image" does, and runs
// the checks of its manifest.
func TestImage(t *testing.T) {
	t.Parallel()
	if !testkit.Full() {
		t.Skip("make test-full runs it")
	}
	w := testkit.SharedWorkshop(t)
	dir := t.TempDir()
	testkit.CopyTree(t, "../../packaging/image", filepath.Join(dir, "image"))
	packages(t, w.Bin, filepath.Join(dir, "dist"), "rpm")
	for _, args := range [][]string{
		{"build", "system", "--build-context=packages=../dist"},
		{"test", "system", "--built"},
	} {
		cmd := exec.Command(filepath.Join(w.Bin, "bkt"), append(args, "--build-arg=http_proxy="+w.Proxy,
			"--build-context=registry.fedoraproject.org/fedora:43=oci-layout://"+filepath.Join(w.Offline, "base"))...)
		cmd.Dir = filepath.Join(dir, "image")
		cmd.Env = w.Env()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

// A machine is a root file system.
type machine struct{ dir string }

// newMachine returns a system whose package managers find the offline packages, and
// whose folder /srv has bkt in a format, and a base image.
func newMachine(t *testing.T, w *testkit.Workshop, format string) machine {
	t.Helper()
	m := machine{t.TempDir()}
	desktop := filepath.Join(w.Offline, "desktop")
	run(t, "mkdir", m.path("root"), m.path("home"), m.path("srv"))
	run(t, "tar", "--extract", "--file="+filepath.Join(desktop, "root.tar"), "--directory="+m.path("root"), "--numeric-owner")
	run(t, "cp", "-r", filepath.Join(desktop, "debs"), filepath.Join(desktop, "rpms"), filepath.Join(w.Offline, "base"), m.path("srv"))
	packages(t, w.Bin, m.path("srv"), format)
	m.install(t, "root/etc/apt/sources.list", 0o644, "deb [trusted=yes] file:/srv/debs ./\n")
	run(t, "rm", m.path("root/etc/yum.repos.d/offline.repo"))
	m.install(t, "root/etc/yum.repos.d/fedora.repo", 0o644, "[fedora]\nname=Fedora\nbaseurl=file:///srv/rpms\ngpgcheck=0\n")
	return m
}

// packages packs the programs of a folder in some formats, with more variables.
func packages(t *testing.T, programs, dist, formats string, env ...string) {
	t.Helper()
	cmd := exec.Command("../../scripts/package.sh", "v0.3.0", runtime.GOARCH, programs, dist, filepath.Join(testkit.Programs(t), "bkt"))
	cmd.Env = append(append(os.Environ(), "SOURCE_DATE_EPOCH=1700000000", "BKT_FORMATS="+formats), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func (m machine) path(name string) string { return filepath.Join(m.dir, name) }

// install writes a file, and the folders that it is in.
func (m machine) install(t *testing.T, name string, mode os.FileMode, text string) {
	t.Helper()
	path := m.path(name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), mode)); err != nil {
		t.Fatal(err)
	}
}

// root runs a command of a shell as root.
func (m machine) root(t *testing.T, command string) {
	t.Helper()
	if out, err := m.enter("bash", "-c", command).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// enter returns a command that runs in the machine.
func (m machine) enter(argv ...string) *exec.Cmd {
	args := []string{"--mount", "--pid", "--fork", "--kill-child", "--propagation=private", "testdata/enter.sh", m.path("root"), m.path("home"), m.path("srv")}
	cmd := exec.Command("unshare", append(args, argv...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"}
	return cmd
}

// session runs commands as the user me and returns for each a line with it, and its
// output.
func (m machine) session(t *testing.T, commands []string) []string {
	t.Helper()
	run(t, "cp", "testdata/session.sh", "testdata/login.sh", m.path("srv"))
	cmd := m.enter("sh", "/srv/login.sh", "me", "bash", "/srv/session.sh")
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, &stderr)
	}
	return blocks(string(out))
}

// offlineBkt returns a program in the place of bkt that builds without a network.
func offlineBkt(w *testkit.Workshop) string {
	return fmt.Sprintf(`#!/bin/sh
bkt=$HOME/.local/bin/bkt
[ -x "$bkt" ] || bkt=/usr/bin/bkt
case $1 in
build | test)
	exec "$bkt" "$@" --progress=quiet --build-arg=http_proxy=%s \
		--build-context=registry.fedoraproject.org/fedora-toolbox:43=oci-layout:///srv/base
	;;
esac
exec "$bkt" "$@"
`, w.Proxy)
}

// changing is what differs from one session to the next.
var changing = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

// blocks returns the parts of a session, each with a command and its output.
func blocks(text string) []string {
	var all []string
	for line := range strings.Lines(changing.ReplaceAllString(text, "sha256:…")) {
		if strings.HasPrefix(line, "$ ") || len(all) == 0 {
			all = append(all, "")
		}
		all[len(all)-1] += line
	}
	return all
}

// commands returns the commands of a session in a file.
func commands(t *testing.T, file string) []string {
	t.Helper()
	var all []string
	for _, block := range blocks(read(t, file)) {
		line, _, _ := strings.Cut(block, "\n")
		all = append(all, strings.TrimPrefix(line, "$ "))
	}
	return all
}

// compare compares a session with that in a file, or writes that file.
func compare(t *testing.T, file string, got []string) {
	t.Helper()
	if testkit.Update() {
		if err := os.WriteFile(file, []byte(strings.Join(got, "")), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for i, want := range blocks(read(t, file)) {
		if i >= len(got) {
			t.Fatalf("the session ends before %s", want)
		}
		if got[i] != want {
			t.Errorf("got:\n%s\nwant:\n%s", got[i], want)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func run(t *testing.T, argv ...string) {
	t.Helper()
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
}
