package main

import (
	"bytes"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bkt/internal/testkit"

	"golang.org/x/sys/unix"
)

// looking are commands that read, between them, every file that bkt reads without an
// engine. They change nothing.
var looking = [][]string{
	{"drift", "-v"},
	{"status", "-v"},
	{"doctor"},
	{"containerfile", "sync", "--check"},
	{"auto-capture", "run", "--dry-run", "--settle=0s"},
	{"auto-capture", "enable", "--dry-run"},
	{"auto-capture", "disable", "--dry-run"},
	{"auto-capture", "status"},
	{"distrobox", "ini"},
	{"toolbox", "capture", "--dry-run"},
	{"hook", "check"},
	{"engine", "status"},
	{"init", ".", "--dry-run", "--hook", "--name=x"},
	{"apply", "--dry-run", "-v"},
}

// elsewhere are the files of the system that bkt reads. The test cannot replace them.
var elsewhere = []string{
	"/dev/", "/proc/", "/sys/", // the kernel's
	"/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/hosts", "/etc/resolv.conf", "/etc/localtime", "/usr/share/zoneinfo/", // Go's
	"/etc/dconf/", "/run/dconf/", "/usr/share/dconf/", // of gsettings
	"/etc/systemd/", "/run/systemd/", "/usr/lib/systemd/", "/usr/local/lib/systemd/", "/usr/share/systemd/", "/usr/local/share/systemd/", // of services
	"/etc/distrobox/", "/usr/etc/distrobox/", "/usr/share/distrobox/", "/etc/machine-id",
}

// unnamed are files whose content bkt can do without, with the reason. It ends, but need not
// name them.
var unnamed = map[string]string{
	".test/home/.cache/bkt/appimages/files.json":                            "a cache: bkt reads the facts again",
	".test/home/.cache/bkt/distrobox/containers.json":                       "a cache: bkt asks again",
	".test/home/.local/share/bkt/engine/engine.lock":                        "bkt only looks whether it is locked",
	".test/home/.config/systemd/user/x.service":                             "its text matters only if a manifest enables it",
	".test/home/.local/share/containers/storage/overlay-images/images.json": "podman is asked instead",
	".test/home/.local/share/gnome-shell/extensions/x@y/metadata.json":      "no manifest has it, and the shell does not load it",
	".test/home/Applications/x.AppImage":                                    "it is no AppImage",
	".test/root/etc/machine-id":                                             "a system need not have an id",
	"repo/templates":                                                        "only a folder has templates",
}

// A filling is what stands in the place of a file.
type filling struct {
	name string
	put  func(t *testing.T, path string)
}

const (
	hugeSize  = 2 << 30
	maxMemory = 1 << 30
)

func fillings() []filling {
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	all := []filling{
		{"pipe", func(t *testing.T, path string) { must(t, unix.Mkfifo(path, 0o644)) }},
		{"device", func(t *testing.T, path string) {
			if unix.Mknod(path, unix.S_IFCHR|0o644, int(unix.Mkdev(1, 5))) != nil { // only root can
				must(t, os.Symlink("/dev/zero", path))
			}
		}},
		{"socket", func(t *testing.T, path string) {
			short := fmt.Sprintf("/proc/self/fd/%d/s", openFolder(t, filepath.Dir(path))) // its path may have 107 bytes
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
			must(t, err)
			l.SetUnlinkOnClose(false)
			must(t, os.Rename(filepath.Join(filepath.Dir(path), "s"), path))
			t.Cleanup(func() { l.Close() })
		}},
		{"huge", func(t *testing.T, path string) {
			must(t, os.WriteFile(path, nil, 0o644))
			must(t, os.Truncate(path, hugeSize))
		}},
		{"folder", func(t *testing.T, path string) { must(t, os.Mkdir(path, 0o755)) }},
	}
	if testkit.Full() && os.Geteuid() == 0 { // a second each
		all = append(all, filling{"kmsg", func(t *testing.T, path string) { must(t, os.Symlink("/proc/kmsg", path)) }})
	}
	return all
}

func openFolder(t *testing.T, dir string) int {
	t.Helper()
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return int(f.Fd())
}

// TestEveryRead runs commands under strace to learn which files they read or look for, puts
// a pipe, a device, a socket, a huge file or a folder in the place of each, and checks that
// the commands still end, take little memory, and name the file. A new reader is tested as
// soon as a command reads something.
func TestEveryRead(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "git", "strace")
	v := newVictim(t)
	v.furnish()
	readers := map[string][]int{}
	for n, args := range looking {
		for _, path := range v.reads(args) {
			if v.replaceable(path) {
				readers[path] = append(readers[path], n)
			}
		}
	}
	if len(readers) < 30 {
		t.Errorf("only %d files are read: %v", len(readers), slices.Sorted(maps.Keys(readers)))
	}
	t.Logf("%d files: %s", len(readers), strings.Join(slices.Sorted(maps.Keys(readers)), "\n"))
	all := fillings()
	for n, path := range slices.Sorted(maps.Keys(readers)) {
		for m, f := range all {
			if m > 0 && m != 1+n%(len(all)-1) && !testkit.Full() {
				continue // a pipe everywhere, and another one in turn
			}
			commands := readers[path]
			if !testkit.Full() || f.name == "kmsg" {
				commands = commands[:1]
			}
			t.Run(f.name+" "+v.short(path), func(t *testing.T) { v.withFilling(t, path, f, commands) })
		}
	}
}

// furnish adds files of all domains, and a last known state.
func (v *victim) furnish() {
	v.Helper()
	home := filepath.Dir(filepath.Dir(filepath.Dir(v.state)))
	data := filepath.Join(home, ".local", "share")
	v.override(0)
	v.bkt("capture")
	files := map[string]string{
		filepath.Join(v.dir, ".bktignore"):                                            "flatpak-apps:nothing\n",
		filepath.Join(v.dir, "toolbox", "Containerfile"):                              "FROM scratch\n",
		filepath.Join(home, "Applications", "x.AppImage"):                             "no AppImage, but long enough to look at",
		filepath.Join(home, ".local", "bin", "x"):                                     "#!/bin/sh\n# distrobox_binary\n# name: dev\n\n",
		filepath.Join(data, "applications", "dev-x.desktop"):                          "[Desktop Entry]\nExec=x\n",
		filepath.Join(data, "gnome-shell", "extensions", "x@y", "metadata.json"):      `{"uuid": "x@y"}`,
		filepath.Join(home, ".config", "systemd", "user", "x.service"):                "[Install]\nWantedBy=default.target\n",
		filepath.Join(data, "containers", "storage", "overlay-images", "images.json"): "[]",
	}
	for path, text := range files {
		v.write(path, text)
	}
}

// opened matches a call that opens a file for reading in the output of strace -f -y.
var (
	opened  = regexp.MustCompile(`^(\d+) +openat2?\((?:AT_FDCWD|\d+<([^>]*)>)(?:<[^>]*>)?, "((?:[^"\\]|\\.)*)", (?:\{flags=)?([A-Z_|]+)`)
	started = regexp.MustCompile(`^(\d+) +(?:clone3?|fork|vfork)\(`)
	begun   = regexp.MustCompile(`^(\d+) +(?:<\.\.\. )?(?:clone3?|fork|vfork)\b.* = (\d+)`)
)

// reads returns the files that a command itself opens for reading, or tries to.
func (v *victim) reads(args []string) []string {
	v.Helper()
	log := filepath.Join(v.TempDir(), "strace")
	cmd := v.program("strace", append([]string{"-f", "-y", "-qq", "-s", "4096", "-e", "trace=openat,openat2,clone,clone3,fork,vfork", "-o", log, "bkt"}, args...)...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || bytes.Contains(out, []byte("internal error")) {
		v.Fatalf("%v: %v\n%s", args, err, out)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		v.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	foreign := processes(lines)
	seen := map[string]bool{}
	for _, line := range lines {
		m := opened.FindStringSubmatch(line)
		if m == nil || foreign[m[1]] || strings.Contains(m[4], "O_DIRECTORY") || strings.Contains(m[4], "O_PATH") || !strings.Contains(m[4], "O_RDONLY") {
			continue
		}
		path := m[3]
		if !filepath.IsAbs(path) {
			dir := m[2]
			if dir == "" {
				dir = v.dir
			}
			path = filepath.Join(dir, path)
		}
		seen[path] = true
	}
	return slices.Collect(maps.Keys(seen))
}

// processes returns the processes that are no threads of the first one.
func processes(lines []string) map[string]bool {
	foreign := map[string]bool{}
	flags := map[string]string{}
	for range 2 { // a line of a new process may come before the one that starts it
		for _, line := range lines {
			if m := started.FindStringSubmatch(line); m != nil {
				flags[m[1]] = line
			}
			if m := begun.FindStringSubmatch(line); m != nil && (foreign[m[1]] || !strings.Contains(flags[m[1]], "CLONE_THREAD")) {
				foreign[m[2]] = true
			}
		}
	}
	return foreign
}

// replaceable reports whether the test can put something else in the place of a file. A file
// elsewhere must be in the table.
func (v *victim) replaceable(path string) bool {
	v.Helper()
	top := filepath.Dir(v.dir)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return false
	}
	switch {
	case filepath.Base(path) == "bkt", strings.HasPrefix(path, top+"/.test/bin/"), strings.HasPrefix(path, filepath.Join(v.dir, ".git")+"/objects"):
		return false
	case strings.HasPrefix(path, top+"/"):
		return true
	}
	if !slices.ContainsFunc(elsewhere, func(known string) bool { return strings.HasPrefix(path, known) }) {
		v.Errorf("%s is read, and not in the table of files elsewhere", path)
	}
	return false
}

// short returns a path below the folder of the test.
func (v *victim) short(path string) string {
	short, _ := filepath.Rel(filepath.Dir(v.dir), path)
	return short
}

// withFilling puts something else in the place of a file, and runs commands that read it.
// The first of them has to name it.
func (v *victim) withFilling(t *testing.T, path string, f filling, commands []int) {
	new := path
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(dir); err == nil {
			break
		}
		new = dir // does not exist
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(t.TempDir(), "kept")
	errKept := os.Rename(path, kept)
	defer func() {
		if err := os.RemoveAll(new); err != nil {
			t.Error(err)
		}
		if errKept == nil {
			if err := os.Rename(kept, path); err != nil {
				t.Error(err)
			}
		}
	}()
	f.put(t, path)
	for i, n := range commands {
		out := v.ends(t, looking[n])
		if i == 0 && unnamed[v.short(path)] == "" && !strings.Contains(out, filepath.Base(path)) {
			t.Errorf("bkt %v does not name it:\n%s", looking[n], out)
		}
	}
}

// ends checks that a command ends without much memory, and returns what it prints.
func (v *victim) ends(t *testing.T, args []string) string {
	t.Helper()
	var out bytes.Buffer
	cmd := v.command(args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(hang, func() { _ = cmd.Process.Kill() })
	_ = cmd.Wait()
	if !timer.Stop() {
		t.Fatalf("bkt %v hangs", args)
	}
	if used := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10; used > maxMemory {
		t.Errorf("bkt %v takes %d MB", args, used>>20)
	}
	if status := cmd.ProcessState.ExitCode(); status < 0 || status > 2 || strings.Contains(out.String(), "internal error") {
		t.Errorf("bkt %v: %v\n%s", args, cmd.ProcessState, out.String())
	}
	return out.String()
}
