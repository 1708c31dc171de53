package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bkt/internal/testkit"
	"bkt/internal/ui"
	"bkt/packaging"

	"github.com/coreos/go-systemd/v22/unit"
)

// oddly is a name of folders that need quoting in units. systemd allows no quotes in
// the path of the program, which is in odd.
const (
	oddly = `50% of $HOME's "things"`
	odd   = `50% of $HOME`
)

// machines returns the machines to make units for.
func machines(program string) map[string]packaging.Machine {
	return map[string]packaging.Machine{
		"usual": {
			Program: program, Home: "/home/me", ConfigHome: "/home/me/.config", DataHome: "/home/me/.local/share",
			FlatpakUser: "/home/me/.local/share/flatpak", FlatpakSystem: "/var/lib/flatpak",
		},
		"odd": {
			Program: program, Home: "/home/me", ConfigHome: "/srv/" + oddly + "/config", DataHome: "/home/me/" + oddly,
			FlatpakUser: "/srv/" + oddly + "/user", FlatpakSystem: "/srv/" + oddly + "/system",
		},
	}
}

// TestUnitsAreWhatSystemdTakes checks with systemd all units that bkt writes, for all
// machines. For an unknown setting, systemd only prints a warning.
func TestUnitsAreWhatSystemdTakes(t *testing.T) {
	testkit.Need(t, "systemd-analyze")
	for name, m := range machines(copyOfBkt(t, filepath.Join(t.TempDir(), odd))) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			args := []string{"--user", "verify"}
			for _, u := range captureUnits(t, m) {
				path := filepath.Join(dir, strings.Replace(u.Name, "@", "@home-me-my\\x20image", 1))
				if err := os.WriteFile(path, u.Text, 0o644); err != nil {
					t.Fatal(err)
				}
				args = append(args, path)
			}
			cmd := exec.Command("systemd-analyze", args...)
			cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+dir)
			out, err := cmd.CombinedOutput()
			if err != nil || strings.Contains(string(out), "bkt-capture") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func captureUnits(t *testing.T, m packaging.Machine) []packaging.Unit {
	t.Helper()
	units, err := packaging.Capture(m)
	if err != nil || len(units) != 3 {
		t.Fatalf("%d units, %v", len(units), err)
	}
	return units
}

// TestUnitsOfAPackage checks that the units for packages equal those that bkt writes
// for the usual folders.
func TestUnitsOfAPackage(t *testing.T) {
	for _, u := range captureUnits(t, machines("/usr/bin/bkt")["usual"]) {
		text, err := os.ReadFile("../../packaging/systemd/user/" + u.Name)
		if err != nil || !bytes.Equal(text, u.Text) {
			t.Errorf("%s: %v, as it is written:\n%s", u.Name, err, u.Text)
		}
		if !packaging.Written(text) {
			t.Errorf("%s does not say who has written it", u.Name)
		}
	}
}

// TestUnitsRunCommands checks that bkt's command line accepts the commands in the units.
func TestUnitsRunCommands(t *testing.T) {
	commands := 0
	for _, u := range captureUnits(t, machines("/usr/bin/bkt")["usual"]) {
		options, err := unit.DeserializeOptions(bytes.NewReader(u.Text))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range options {
			if !strings.HasPrefix(o.Name, "Exec") {
				continue
			}
			commands++
			args := strings.Fields(strings.ReplaceAll(o.Value, "%f", "/home/me"))
			if args[0] != ":/usr/bin/bkt" {
				t.Fatalf("%s runs %s", u.Name, args[0])
			}
			a := &app{Printer: ui.Printer{Out: io.Discard, Err: io.Discard}}
			command, c, err := a.parse(t.Context(), args[1:])
			if err != nil {
				t.Fatalf("%s: %v", o.Value, err)
			}
			if command.Command() != "auto-capture run" || c.Dir != "/home/me" {
				t.Errorf("%s is taken for %s in %s", o.Value, command.Command(), c.Dir)
			}
		}
	}
	if commands == 0 {
		t.Error("the units run nothing")
	}
}

// copyOfBkt copies bkt into a folder, which it creates, and returns its path.
func copyOfBkt(t *testing.T, dir string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(self)
	path := filepath.Join(dir, "bkt")
	if err := errors.Join(err, os.MkdirAll(dir, 0o755), os.WriteFile(path, text, 0o755)); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSystemdCaptures checks that a real systemd of a user runs auto-capture after
// "auto-capture enable": by its timer, and when files change. The paths of the
// repository and of bkt need quoting.
func TestSystemdCaptures(t *testing.T) {
	testkit.NeedRoot(t, "mount what a systemd of its own needs")
	testkit.Need(t, "systemctl", "unshare", "nsenter", "setpriv", "flatpak", "git")
	m := startSystemd(t)
	m.run("sh", "-euc", setUpCapture)
	commits := m.fifo("commits")
	m.run("../"+odd+"/bkt", "-C", oddly, "auto-capture", "enable")
	units := packaging.Instances(filepath.Join(m.home, oddly))

	t.Run("by the timer", func(t *testing.T) {
		m.run("systemctl", "--user", "stop", "--", units[1])
		m.run("flatpak", "override", "--user", "--env=BY=timer", "org.bkt.Timer")
		m.wants(t, commits, "org.bkt.Timer")
	})
	t.Run("by the files", func(t *testing.T) {
		// While the service runs, systemd does not watch files for it.
		m.run("systemctl", "--user", "stop", "--", units[0], strings.TrimSuffix(units[0], "timer")+"service")
		m.run("systemctl", "--user", "start", "--", units[1])
		m.run("flatpak", "override", "--user", "--env=BY=files", "org.bkt.Files")
		m.wants(t, commits, "org.bkt.Files")
	})
	t.Run("after an upgrade", func(t *testing.T) {
		m.run("sh", "-euc", `mkdir -p bin cellar/1.0; cp "$1" cellar/1.0/bkt; ln -s ../cellar/1.0/bkt bin/bkt`, "sh", "../"+odd+"/bkt")
		m.run("env", "PATH="+m.home+"/bin:/usr/bin:/bin", "bkt", "-C", oddly, "auto-capture", "enable")
		m.run("sh", "-euc", "mv cellar/1.0 cellar/1.1; ln -sfn ../cellar/1.1/bkt bin/bkt")
		m.run("systemctl", "--user", "stop", "--", units[1])
		m.run("flatpak", "override", "--user", "--env=BY=upgrade", "org.bkt.Upgrade")
		m.wants(t, commits, "org.bkt.Upgrade")
	})
	t.Run("no more", func(t *testing.T) {
		m.run("../"+odd+"/bkt", "-C", oddly, "auto-capture", "disable")
		left, err := filepath.Glob(m.home + "/.config/systemd/user/bkt-capture*.*[^d]") // not the user's own folders
		wants, errWants := filepath.Glob(m.home + "/.config/systemd/user/*.wants/*")
		if err := errors.Join(err, errWants); err != nil || len(left)+len(wants) > 0 {
			t.Errorf("%v; there is still %s %s", err, left, wants)
		}
		if out := m.run("systemctl", "--user", "list-units", "--all", "--plain", "--no-legend", packaging.Prefix+"*.timer", packaging.Prefix+"*.path"); out != "" {
			t.Errorf("still there: %s", out)
		}
	})
}

// setUpCapture makes a repository whose hook reports commits, and makes systemd react
// at once.
const setUpCapture = `
git config --global user.name Someone
git config --global user.email someone@example.org
mkfifo commits
odd='50% of $HOME'\''s "things"'
git init -q -b main "$odd"
units=$XDG_CONFIG_HOME/systemd/user
mkdir -p "$units/bkt-capture@.timer.d" "$units/bkt-capture@.service.d"
printf '[Timer]\nOnCalendar=\nOnCalendar=*:*:*\nRandomizedDelaySec=0\nAccuracySec=100ms\n' >"$units/bkt-capture@.timer.d/soon.conf"
printf '[Service]\nEnvironment=BKT_AUTO_CAPTURE_SETTLE=300ms\n' >"$units/bkt-capture@.service.d/soon.conf"
cd "$odd"
mkdir manifests
echo FROM scratch >Containerfile
echo {} >manifests/image.json
echo 'services:*' >.bktignore # those of this computer
git add .
git commit -qm first
printf '#!/bin/sh\ngit log -1 --format=%%B --name-status | tr "\\n" " " >"$HOME/commits"\necho >"$HOME/commits"\n' >.git/hooks/post-commit
chmod +x .git/hooks/post-commit
`

// A manager is a systemd of a user.
type manager struct {
	t    *testing.T
	home string
	env  []string
	pid  int // of a process in its namespace
}

// startSystemd starts a systemd in its own mount namespace. There it finds only cgroups
// of version 2, and the folder that says that systemd has booted the machine.
func startSystemd(t *testing.T) manager {
	t.Helper()
	u, err := user.Lookup(testkit.UserName)
	if err != nil {
		testkit.Missing(t, err.Error())
	}
	top, err := os.MkdirTemp("", "bkt") // sockets have short paths
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(top) })
	dir := filepath.Join(top, "d")
	m := manager{t: t, home: filepath.Join(dir, "home")}
	copyOfBkt(t, filepath.Join(dir, odd))
	if err := errors.Join(os.MkdirAll(m.home+"/run", 0o700)); err != nil {
		t.Fatal(err)
	}
	ready := m.readiness(filepath.Join(dir, "notify"))
	testkit.Give(t, u, dir)
	m.env = []string{
		"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "LANG=C.UTF-8", "USER=" + testkit.UserName, "HOME=" + m.home, "XDG_RUNTIME_DIR=" + m.home + "/run",
		"XDG_CONFIG_HOME=" + m.home + "/.config", "XDG_DATA_HOME=" + m.home + "/.local/share", "XDG_STATE_HOME=" + m.home + "/.local/state",
	}
	cmd := exec.Command("unshare", "--mount", "bash", "-c", inNamespace, "namespace", testkit.UserName, fmt.Sprintf("bkt-%d", os.Getpid()))
	cmd.Dir, cmd.Env = m.home, append(m.env, "NOTIFY_SOCKET="+filepath.Join(dir, "notify"))
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	m.pid = cmd.Process.Pid
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("systemd: %s", log.String())
		}
		_ = m.command("systemctl", "--user", "exit").Run()
		select {
		case <-ended:
		case <-time.After(3 * time.Minute):
			t.Error("systemd did not end")
		}
	})
	select {
	case <-ready:
	case err := <-ended:
		ended <- err
		t.Fatalf("systemd did not start: %v\n%s", err, log.String())
	case <-time.After(3 * time.Minute):
		t.Fatal("systemd did not start")
	}
	return m
}

// inNamespace runs systemd as a user in a cgroup, which it removes afterwards.
const inNamespace = `set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs /run/systemd
mkdir /run/systemd/system
umount -R /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
group=/sys/fs/cgroup/$2
mkdir "$group"
chown "$1" "$group" "$group"/cgroup.procs "$group"/cgroup.subtree_control "$group"/cgroup.threads
bash -c 'echo $$ >"$2/cgroup.procs"; exec setpriv --reuid="$1" --regid="$1" --init-groups /usr/lib/systemd/systemd --user --unit=basic.target' systemd "$1" "$group" </dev/null || true
find "$group" -depth -type d -exec rmdir {} +
`

// readiness is closed when systemd says that it is ready (sd_notify(3)).
func (m manager) readiness(path string) <-chan struct{} {
	m.t.Helper()
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { socket.Close() })
	ready := make(chan struct{})
	go func() {
		message := make([]byte, 4096)
		for {
			n, err := socket.Read(message)
			if err != nil {
				return
			}
			if strings.Contains("\n"+string(message[:n]), "\nREADY=1") {
				close(ready)
				return
			}
		}
	}()
	return ready
}

// command returns a command of the user in the namespace of the systemd.
func (m manager) command(argv ...string) *exec.Cmd {
	cmd := exec.Command("nsenter", append([]string{
		fmt.Sprintf("--target=%d", m.pid), "--mount", "setpriv", "--reuid=" + testkit.UserName, "--regid=" + testkit.UserName, "--init-groups", "env", "--chdir=" + m.home,
	}, argv...)...)
	cmd.Env = m.env
	return cmd
}

func (m manager) run(argv ...string) string {
	m.t.Helper()
	out, err := m.command(argv...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("%v: %v\n%s", argv, err, out)
	}
	return string(out)
}

// fifo opens a fifo in the user's home, for writing, too: then reading has no end.
func (m manager) fifo(name string) *bufio.Reader {
	m.t.Helper()
	f, err := os.OpenFile(filepath.Join(m.home, name), os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err == nil {
		err = f.SetReadDeadline(time.Now().Add(10 * time.Minute))
	}
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { f.Close() })
	return bufio.NewReader(f)
}

// wants waits for the next commit, which must contain one override and nothing else.
func (m manager) wants(t *testing.T, commits *bufio.Reader, app string) {
	t.Helper()
	commit, err := commits.ReadString('\n')
	if err != nil {
		t.Fatalf("no commit: %v\n%s", err, m.run("../"+odd+"/bkt", "-C", oddly, "auto-capture", "status"))
	}
	if !strings.HasPrefix(commit, "Capture 1 change on ") || !strings.Contains(commit, "flatpak-overrides   + user/"+app+" ") ||
		!strings.HasSuffix(strings.TrimSpace(commit), "M\tmanifests/flatpak-overrides.json") && !strings.HasSuffix(strings.TrimSpace(commit), "A\tmanifests/flatpak-overrides.json") {
		t.Errorf("commit %q", commit)
	}
	if out := m.run("git", "-C", oddly, "status", "--porcelain"); out != "" {
		t.Errorf("left over: %s", out)
	}
}
