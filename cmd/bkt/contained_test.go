package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bkt/internal/testkit"
	"bkt/internal/testkit/traced"
	"bkt/internal/ui"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/tools/txtar"
)

// containedCalls are the commands that [TestContained] runs in each hostile repository,
// in this order: each command of bkt at least once.
var containedCalls = []string{
	"status", "drift", "drift show -v", "capture --check", "apply --check --prune", "doctor", "doctor --fix --check",
	"containerfile check", "containerfile sync --check", "containerfile sync --staged --check", "containerfile why toolbox/Containerfile:3",
	"system list", "toolbox list", "toolbox capture --check", "toolbox upgrade --check", "distrobox ini", "hook check", "hook check --run",
	"base update --check", "build", "test", "push toolbox 127.0.0.1:1/x:1", "engine status", "engine stop", "engine prune",
	"schema image", "schema --write", "help build", "version", "man-pages manual", "completion bash", "complete -- con", "auto-capture status", "auto-capture enable --check", "init new --name x", "init --hook",
	"containerfile sync --staged", "system add fish", "system remove fish", "toolbox add fish", "toolbox remove fish",
	"containerfile sync --take manifest", "toolbox capture", "toolbox upgrade", "base update", "auto-capture run --settle 0s --push", "capture -y",
	"apply -y", "drift resolve", "drift resolve --take ours", "merge-manifest Containerfile manifests/system-packages.json toolbox/Containerfile manifests/image.json", "doctor --fix", "auto-capture enable --push", "auto-capture run --settle 0s", "auto-capture disable",
}

// mayRun are the programs that bkt and git may start, in the folders of PATH and in
// git's own.
var mayRun = []string{
	"bkt", "bkt-engine", "bootc", "dconf", "distrobox", "docker", "flatpak", "gdbus", "gh", "git", "git-remote-https", "glib-compile-schemas", "gnome-shell", "gsettings",
	"podman", "rpm-ostree", "systemctl",
}

// mayRead are the folders and files that bkt and git may read, below the repository,
// below the home (~), below the folder of the test (@) and of the system; mayWrite are those that they may change.
// With "/." at its end, a folder is one whose names alone they may read.
var (
	mayRead = []string{
		"/dev/null", "/dev/urandom", "/etc", "/lib", "/lib64", "/proc", "/run", "/sys", "/usr", "/var/lib/containers", "/var/lib/flatpak",
		"@/bin/distrobox-export", "@/flatpak", "@/flatpak-etc", "@/root", "@/run", "@/share", "@/xdg", // instead of folders of the system
		"~/.", "~/.local/.", // where the folders for programs are
		"~/.config/dconf", "~/.config/git", "~/.config/user-dirs.dirs", "~/.gitconfig",
		"~/.local/bin", "~/.local/share/applications", "~/.local/share/flatpak", "~/.local/share/glib-2.0", "~/.local/share/gnome-shell", "~/.local/share/systemd/user",
		"~/.var/app/.", "~/.var/app/it.mijorus.gearlever", "~/AppImages", "~/Applications",
	}
	mayWrite = []string{
		".", "/dev/null", "~/.cache/bkt", "~/.config/systemd", "~/.local/share/bkt", "~/.local/state/bkt",
	}
	applyMayWrite = []string{"~/.local/share/flatpak/overrides"}
)

// TestContained runs every command in repositories that try to have it read other
// files, run programs of theirs, or change something elsewhere. It traces bkt and git:
// each file that they open, and each program that they start, must be on a list. The
// programs that they start are stand-ins.
func TestContained(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "git", "strace")
	kinds, err := txtar.ParseFile("testdata/hostile.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range kinds.Files {
		name, isSetup := strings.CutSuffix(f.Name, ".sh")
		if !isSetup || name == "origin" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPrisoner(t, kinds, f.Name)
			for _, call := range containedCalls {
				p.try(t, call)
			}
		})
	}
}

// TestContainedSees checks that the test sees what it is about: without bkt, git runs
// code of the repository, and a shell does what bkt may not do.
func TestContainedSees(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "git", "strace")
	kinds, err := txtar.ParseFile("testdata/hostile.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ kind, script, want string }{
		"a program":              {"bare.sh", "exec git status", `runs git: execve("/bin/sh"`},
		"a program of a folder":  {"clone.sh", "./git", "runs sh: execve(\"./git\""},
		"a link":                 {"links.sh", "read x <.bktignore", "reads @/outside/secret: sh: "},
		"the home":               {"clone.sh", "read x <~/Documents/secret", "reads @/.test/home/Documents/secret: sh: "},
		"a file that is missing": {"clone.sh", "read x <../nothing", "reads @/nothing: sh: "},
		"a new file":             {"clone.sh", ": >../outside/new", "changes @/outside/new: sh: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPrisoner(t, kinds, tt.kind)
			cmd := exec.Command("sh", "-c", tt.script)
			cmd.Dir, cmd.Env = p.dir, p.env.Vars
			calls, err := traced.Run(cmd)
			if len(calls) == 0 {
				t.Fatal(err)
			}
			problems := p.judge(calls[1:], "sh", "git")
			if want := strings.ReplaceAll(tt.want, "@", p.work); !strings.Contains(strings.Join(problems, "\n"), want) {
				t.Errorf("%q is not seen, but %q", want, problems)
			}
		})
	}
}

// TestEveryCommandIsContained checks that TestContained runs each command. The commands
// come from the command line itself.
func TestEveryCommandIsContained(t *testing.T) {
	parser, _, err := (&app{Printer: ui.Printer{Out: t.Output(), Err: t.Output()}}).parser(context.Background(), commands()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(false) {
		name := strings.TrimPrefix(leaf.Path(), "bkt ")
		if !slices.ContainsFunc(containedCalls, func(call string) bool { return call == name || strings.HasPrefix(call, name+" ") }) {
			t.Errorf("bkt %s is not run in hostile repositories", name)
		}
	}
}

// A prisoner is bkt in a hostile repository.
type prisoner struct {
	work, repo, dir string // the folder of the test, the repository, and the folder to start in
	program, self   string // bkt, and the file of the test that it is
	env             *testscript.Env
	mayWrite        []string // in addition
}

// newPrisoner creates a repository by a script in an archive, with the other files of it.
// The script prints the folder to start in.
func newPrisoner(t *testing.T, kinds *txtar.Archive, setup string) prisoner {
	t.Helper()
	work, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := prisoner{work: work, repo: filepath.Join(work, "clone"), env: &testscript.Env{WorkDir: work, Vars: os.Environ()}}
	for _, f := range kinds.Files {
		path := filepath.Join(work, "origin", f.Name)
		if strings.HasSuffix(f.Name, ".sh") {
			path = filepath.Join(work, f.Name)
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, f.Data, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Mkdir(filepath.Join(work, ".test"), 0o755), testkit.Isolate(p.env), installStandIns(p.env)); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"WORK": work, "DBUS_SESSION_BUS_ADDRESS": "unix:path=" + work + "/.test/bus", "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=" + work + "/.test/bus",
		"FLATPAK_SYSTEM_DIR": work + "/.test/flatpak", "FLATPAK_CONFIG_DIR": work + "/.test/flatpak-etc", "FLATPAK_SYSTEM_CACHE_DIR": work + "/.test/flatpak-cache",
	} {
		p.env.Setenv(name, value)
	}
	p.program = filepath.Join(work, ".test", "bin", "bkt")
	p.self, err = os.Executable()
	if err := errors.Join(err, os.Symlink(p.self, p.program)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-e", filepath.Join(work, setup))
	cmd.Dir, cmd.Env = work, p.env.Vars
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", setup, err, out)
	}
	p.dir = filepath.Join(work, strings.TrimSpace(string(out)))
	return p
}

// try runs a command, and checks what it did.
func (p prisoner) try(t *testing.T, call string) {
	t.Helper()
	cmd := exec.Command(p.program, strings.Fields(call)...)
	cmd.Dir, cmd.Env = p.dir, p.env.Vars
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	calls, err := traced.Run(cmd)
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		t.Fatalf("bkt %s: %v", call, err)
	}
	t.Logf("bkt %s: %v\n%s", call, err, output.String())
	if strings.HasPrefix(call, "apply") {
		p.mayWrite = applyMayWrite
	}
	for _, problem := range p.judge(calls, "bkt", "git") {
		t.Errorf("bkt %s: %s", call, problem)
	}
	if _, err := os.Stat(filepath.Join(p.work, "ran")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("bkt %s: a program of the repository ran", call)
	}
}

// judge returns what some programs did that they may not do.
func (p prisoner) judge(calls []traced.Call, programs ...string) []string {
	var problems []string
	for _, c := range calls {
		if !slices.Contains(programs, c.Program) {
			continue
		}
		if problem := p.judgeCall(c); problem != "" && !slices.Contains(problems, problem) {
			problems = append(problems, problem)
		}
	}
	return problems
}

func (p prisoner) judgeCall(c traced.Call) string {
	switch {
	case strings.HasPrefix(c.Name, "exec"):
		if !p.mayRun(c) {
			return fmt.Sprintf("runs %v", c)
		}
		return ""
	case c.Name == "connect":
		if strings.Contains(c.Text, "AF_INET") {
			return fmt.Sprintf("connects: %v", c)
		}
		return ""
	}
	for _, path := range c.Paths {
		if path == p.self || strings.HasPrefix(path, "/proc/self/fd/") { // a file that has been opened
			continue
		}
		writable := p.within(path, mayWrite) || p.within(path, p.mayWrite)
		if c.Write && !writable {
			return fmt.Sprintf("changes %s: %v", path, c)
		}
		if !writable && !p.within(path, mayRead) {
			return fmt.Sprintf("reads %s: %v", path, c)
		}
	}
	return ""
}

// mayRun reports whether a program that is started, or that may not exist, is on the list.
func (p prisoner) mayRun(c traced.Call) bool {
	path := c.Paths[0]
	if path == p.program || path == filepath.Join(p.repo, ".git", "hooks", "pre-commit") { // "bkt init --hook" has written it
		return true
	}
	if filepath.Base(path) == "sh" && strings.Contains(c.Text, `"-c", "want=$1\n`) { // bkt's own script for units
		return true
	}
	folders := append(filepath.SplitList(p.env.Getenv("PATH")), "/usr/lib/git-core", "/usr/libexec/git-core")
	return slices.Contains(mayRun, filepath.Base(path)) && slices.Contains(folders, filepath.Dir(path)) && !p.within(path, []string{"."})
}

// within reports whether a path is one of some files, or below one of some folders: "."
// is the repository, ~ the home, and @ the folder that stands for the system.
func (p prisoner) within(path string, folders []string) bool {
	names := strings.NewReplacer("~", p.env.Getenv("HOME"), "@", filepath.Join(p.work, ".test"))
	for _, f := range folders {
		f = names.Replace(f)
		if f == "." {
			f = p.repo
		}
		rel, err := filepath.Rel(f, path)
		if err == nil && filepath.IsLocal(rel) && (rel == "." || !strings.HasSuffix(f, "/.")) {
			return true
		}
	}
	return false
}
