package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"bkt/internal/completion"
	"bkt/internal/testkit"
)

// typed are command lines, what a shell shows after tabs, and what it must not
// show. A shell inserts the only completion, and lists several with their help.
var typed = []struct{ line, want, not string }{
	{"bkt buil", `bkt build *$`, ""},
	{"bkt engine s", `stop.*Stop the engine and its running builds`, "Delete"},
	{"bkt capture flat", `flatpak-apps.*Flatpak apps and runtimes`, "Containerfile"},
	{"bkt toolbox remove ", `ripgrep`, "Containerfile"},
	{"bkt schema tool", `toolchains.*manifests/toolchains.json`, "system"},
	{"bkt hook check ", `bootc-dev.*localhost/dev:1`, "Containerfile"},
	{"bkt distrobox ini bootc", `bkt distrobox ini bootc-dev *$`, ""},
	{"bkt build tool", `bkt build toolbox *$`, ""},
	{"bkt build --compression ", `zstd`, "toolbox"},
	{"bkt build --compression=zs", `bkt build --compression=zstd *$`, "gzip"},
	{"bkt build --no-c", `bkt build --no-cache *$`, ""},
	{"bkt build --no-", `--no-cache.*Do not use the build cache`, ""},
	{"bkt --color al", `bkt --color always *$`, ""},
	{"bkt containerfile sync Con", `bkt containerfile sync Containerfile *$`, ""},
	{"bkt test --junit rep", `bkt test --junit report.xml *$`, ""},
	{"bkt -C man", `bkt -C manifests/ *$`, ""},
	{"bkt -C sub toolbox remove ", `below`, "ripgrep"},
	{"bkt apply gsettings:org.example.a", `org.example.a.*one`, ""},
	{"bkt help toolbox up", `bkt help toolbox upgrade *$`, ""},
}

// shellFiles are the files of the repository in which the shells run, and of its user.
var shellFiles = map[string]string{
	"repo/Containerfile":                       "FROM scratch\n",
	"repo/report.xml":                          "",
	"repo/manifests/toolbox-packages.json":     `{"packages": ["jq", "ripgrep"]}`,
	"repo/manifests/distrobox.json":            `{"containers": {"bootc-dev": {"image": "localhost/dev:1"}, "other": {"image": "localhost/other:1"}}}`,
	"repo/manifests/gsettings.json":            `{"settings": [{"schema": "org.example.a", "key": "one", "value": "1"}, {"schema": "org.example.b", "key": "two", "value": "2"}]}`,
	"repo/sub/Containerfile":                   "FROM scratch\n",
	"repo/sub/manifests/toolbox-packages.json": `{"packages": ["below-one", "below-two"]}`,
	".bashrc":                           "PS1='ready> '\nsource <(bkt completion bash)\n",
	".zshrc":                            "PS1='ready> '\nfpath+=~/.zfunc\nautoload -U compinit\ncompinit -u\n",
	".zfunc/_bkt":                       "zsh",
	".config/fish/config.fish":          "set fish_greeting\nfunction fish_prompt\n    echo 'ready> '\nend\n",
	".config/fish/completions/bkt.fish": "fish",
	".config/nushell/config.nu": "$env.config.show_banner = false\n$env.PROMPT_COMMAND = {|| 'ready> '}\n$env.PROMPT_COMMAND_RIGHT = {|| ''}\n$env.PROMPT_INDICATOR = ''\n" +
		"$env.config.completions.external.completer = {|words| [kept] }\n",
	".config/nushell/autoload/bkt.nu": "nushell",
}

// TestShells completes command lines in real shells, which find their scripts where the help
// of "bkt completion" says that they belong.
func TestShells(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "tmux")
	for _, shell := range []struct {
		argv []string
		tabs string
	}{
		{[]string{"bash", "-i"}, "Tab Tab Tab"}, // the first may insert what all have in common
		{[]string{"zsh", "-d", "-i"}, "Tab Tab"},
		{[]string{"fish", "-i"}, "Tab"},
		{[]string{"nu", "-i"}, "Tab"},
	} {
		if shell.argv[0] != "bash" && !testkit.Full() {
			continue
		}
		t.Run(shell.argv[0], func(t *testing.T) {
			t.Parallel()
			isNu := shell.argv[0] == "nu"
			if isNu {
				shell.argv[0] = nushell(t)
			}
			testkit.Need(t, shell.argv[0])
			s := openShell(t, shell.argv)
			for _, line := range typed {
				tabs := shell.tabs
				if strings.HasSuffix(line.want, "$") {
					tabs = "Tab" // another one would complete the next word
				}
				s.complete(line.line, tabs, line.want, line.not)
			}
			s.complete("bkt toolbox add ", shell.tabs+" x", `add +x`, "Containerfile|ripgrep") // nothing to complete
			if isNu {                                                                          // another completer still completes other commands
				s.complete("other ", "Tab", `other kept *$`, "")
			}
		})
	}
}

// nushell returns the program of nushell.
func nushell(t *testing.T) string {
	t.Helper()
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	path := filepath.Join(testkit.Offline(t), "nushell/node_modules/@nushell/linux-"+arch+"/bin/nu")
	if _, err := os.Stat(path); err != nil {
		testkit.Missing(t, err.Error()+": scripts/npm.sh nushell cmd/bkt/testdata/nushell makes it")
	}
	return path
}

// A terminal is a shell in tmux.
type terminal struct {
	*testing.T
	socket string
}

func openShell(t *testing.T, argv []string) *terminal {
	home := t.TempDir()
	for name, text := range shellFiles {
		if script, err := completion.Script(text); err == nil {
			text = script
		}
		path := filepath.Join(home, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := os.MkdirTemp("", "bkt") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	s := &terminal{t, filepath.Join(dir, "tmux")}
	t.Cleanup(func() {
		_ = s.tmux("kill-server").Run()
		_ = os.RemoveAll(dir)
	})
	start := s.tmux(append([]string{"-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "60"}, argv...)...)
	start.Dir = filepath.Join(home, "repo")
	start.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TERM=xterm-256color", "LANG=C.UTF-8", "SHELL=/bin/sh"}
	if out, err := start.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s.wait(`\Aready> *\s*\z`, "")
	return s
}

func (s *terminal) tmux(args ...string) *exec.Cmd {
	return exec.Command("tmux", append([]string{"-S", s.socket}, args...)...)
}

func (s *terminal) send(args ...string) {
	s.Helper()
	if out, err := s.tmux(append([]string{"send-keys"}, args...)...).CombinedOutput(); err != nil {
		s.Fatalf("%v\n%s", err, out)
	}
}

// complete types a line and tabs, and waits for what the shell must show.
func (s *terminal) complete(line, tabs, want, not string) {
	s.Helper()
	s.send("-l", line)
	s.wait(regexp.QuoteMeta(strings.TrimSpace(line))+" *$", "")
	s.send(strings.Fields(tabs)...)
	s.wait(want, not)
	if out, err := s.tmux("respawn-pane", "-k").CombinedOutput(); err != nil { // each line has a new shell
		s.Fatalf("%v\n%s", err, out)
	}
	s.wait(`\Aready> *\s*\z`, "")
}

// wait waits until the screen matches want. It then must not match not.
func (s *terminal) wait(want, not string) {
	s.Helper()
	pattern := regexp.MustCompile("(?m)" + want)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(2 * time.Minute)
	for {
		screen, err := s.tmux("capture-pane", "-p").Output()
		if err == nil && pattern.Match(screen) {
			if not != "" && regexp.MustCompile(not).Match(screen) {
				s.Errorf("the screen has %s:\n%s", not, screen)
			}
			return
		}
		select {
		case <-tick.C:
		case <-late:
			s.Fatalf("the screen does not match %s: %v\n%s", want, err, screen)
		}
	}
}
