package hook_test

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"bkt/internal/hook"
	"bkt/internal/manifest"
	"bkt/internal/testkit"

	"github.com/google/go-cmp/cmp"
)

// userName is a normal user, which scripts/setup.sh creates.
const userName = "bkt-test"

// These treat a hook as distrobox does: its create, a shell script, puts it into
// the command line of the container, and its init runs it when the container starts.
const (
	create    = `command="$SHELL_OF_CONTAINER -c \"\$INIT\" init '$1'"; eval ${command}`
	createPre = `command="$SHELL_OF_CONTAINER -c \"\$INIT\" init \"$1\""; eval ${command}`
	start     = `set -o errexit; set -o nounset; init_hook="$1"; eval ${init_hook}`
)

// A container runs hooks.
type container struct {
	shell string // its sh
	path  string // its PATH
	home  string
}

// run runs hooks, joined by &&, with the scripts of distrobox.
func (c container) run(t *testing.T, hooks ...string) (string, error) {
	t.Helper()
	return c.runBy(t, create, hooks...)
}

// runBy is run with another script of distrobox's create.
func (c container) runBy(t *testing.T, create string, hooks ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(c.shell, "-c", create, "create", strings.Join(hooks, " && "))
	cmd.Dir = c.home
	cmd.Env = []string{"HOME=" + c.home, "PATH=" + c.path, "SHELL_OF_CONTAINER=" + c.shell, "INIT=" + start}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// newContainer returns a container with a shell as its sh, and without some programs.
func newContainer(t *testing.T, shell, owner string, without ...string) container {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir(); d = filepath.Dir(d) { // t.TempDir is only for its owner
		check(t, os.Chmod(d, 0o755))
	}
	c := container{shell: filepath.Join(dir, "bin", "sh"), path: filepath.Join(dir, "bin"), home: filepath.Join(dir, "home of a user")}
	check(t, os.Mkdir(c.path, 0o755))
	check(t, os.Mkdir(c.home, 0o755))
	link(t, shell, c.shell)
	for _, tool := range []string{"stat", "id", "env", "runuser", "setpriv", "su", "touch", "ls"} {
		if !slices.Contains(without, tool) {
			link(t, tool, filepath.Join(c.path, tool))
		}
	}
	check(t, os.WriteFile(filepath.Join(c.home, "a file"), nil, 0o644))
	give(t, owner, c.home)
	return c
}

func link(t *testing.T, tool, to string) {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		testkit.Missing(t, tool+" is not installed")
	}
	check(t, os.Symlink(path, to))
}

func give(t *testing.T, owner, dir string) {
	t.Helper()
	u, err := user.Lookup(owner)
	if err != nil {
		testkit.Missing(t, err.Error())
	}
	uid, errUID := strconv.Atoi(u.Uid)
	gid, errGID := strconv.Atoi(u.Gid)
	check(t, errUID)
	check(t, errGID)
	check(t, os.Chown(dir, uid, gid))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eachContainer calls test with a container of each shell, for each way to become
// its user.
func eachContainer(t *testing.T, owner string, test func(t *testing.T, c container)) {
	testkit.NeedRoot(t, "become another user")
	for _, shell := range []string{"dash", "bash"} {
		for _, without := range [][]string{{}, {"runuser"}, {"runuser", "setpriv"}} {
			t.Run(shell+" without "+strings.Join(without, " "), func(t *testing.T) {
				test(t, newContainer(t, shell, owner, without...))
			})
		}
	}
}

// awkward are hooks that are hard to quote, with their output.
var awkward = []struct{ run, want string }{
	{`echo plain`, "plain\n"},
	{`echo 'single  two blanks' "double	tab"`, "single  two blanks double\ttab\n"},
	{`printf '%s\n' '*' "?" [a-z]* # a comment`, "*\n?\na file\n"},
	{`x='$HOME'; echo "$x \" \\ ` + "`echo b`" + `"; printf '%s\n' '\n' '!'`, "$HOME \" \\ b\n\\n\n!\n"},
	{`echo "it's" | { read -r x; echo "$x"; };`, "it's\n"},
	{`echo é; echo ${UNSET-unset} & wait`, "é\nunset\n"},
	{`  echo begins with blanks, ends with them  `, "begins with blanks, ends with them\n"},
	{`for i in 1 2; do if test $i = 2; then echo $((i + 1)); fi; done`, "3\n"},
}

func TestWrapKeepsTheHook(t *testing.T) {
	eachContainer(t, userName, func(t *testing.T, c container) {
		for _, as := range []string{"", "user", "root"} {
			var hooks []string
			want := ""
			for _, tt := range awkward {
				hooks = append(hooks, hook.Wrap(manifest.Hook{Run: tt.run, As: as}))
				want += tt.want
			}
			out, err := c.run(t, hooks...)
			if diff := cmp.Diff(want, out); diff != "" || err != nil {
				t.Error(diff, err)
			}
		}
	})
}

func TestWrapPreKeepsTheHook(t *testing.T) {
	for _, shell := range []string{"dash", "bash"} {
		t.Run(shell, func(t *testing.T) {
			c := newContainer(t, shell, "root")
			link(t, "base64", filepath.Join(c.path, "base64"))
			var hooks []string
			want := ""
			for _, tt := range awkward {
				hooks = append(hooks, hook.WrapPre(tt.run))
				want += tt.want
			}
			out, err := c.runBy(t, createPre, hooks...)
			if diff := cmp.Diff(want, out); diff != "" || err != nil {
				t.Error(diff, err)
			}
			out, err = c.runBy(t, createPre, hook.WrapPre("echo a; false; echo b"), "echo last")
			if err == nil || out != "a\n" {
				t.Errorf("%q, %v", out, err)
			}
		})
	}
}

func TestWrapRunsAsUser(t *testing.T) {
	const who = `id -un; echo "$HOME"; echo "$PATH"; id -Gn | { read -r x; echo "$x"; }`
	eachContainer(t, userName, func(t *testing.T, c container) {
		rest := "\n" + c.home + "\n" + c.path + "\n"
		out, err := c.run(t, hook.Wrap(manifest.Hook{Run: who + `; echo "$USER $LOGNAME"; touch mine; test -O mine`}))
		want := userName + rest + userName + "\n" + userName + " " + userName + "\n"
		if diff := cmp.Diff(want, out); diff != "" || err != nil {
			t.Error(diff, err)
		}
		out, err = c.run(t, hook.Wrap(manifest.Hook{Run: who, As: "root"}))
		if want := "root" + rest; err != nil || !strings.HasPrefix(out, want) {
			t.Errorf("%q, %v, not %q", out, err, want)
		}
	})
}

// TestWrapWithoutAnotherUser runs hooks in containers with only one user.
func TestWrapWithoutAnotherUser(t *testing.T) {
	eachContainer(t, "root", func(t *testing.T, c container) {
		if out, err := c.run(t, hook.Wrap(manifest.Hook{Run: `id -un`})); err != nil || out != "root\n" {
			t.Errorf("%q, %v", out, err)
		}
	})
	eachContainer(t, userName, func(t *testing.T, c container) {
		cmd := exec.Command("setpriv", "--reuid="+userName, "--clear-groups", c.shell, "-euc", hook.Wrap(manifest.Hook{Run: `id -un`}))
		cmd.Env = []string{"HOME=" + c.home, "PATH=" + c.path}
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != userName+"\n" {
			t.Errorf("%q, %v", out, err)
		}
	})
}

// TestWrapFails checks that a hook ends at its first error, and that no other hook
// runs after it.
func TestWrapFails(t *testing.T) {
	tests := []struct{ run, want string }{
		{`echo a; false; echo b`, "a\n"},
		{`echo a; echo "$UNSET_VARIABLE"; echo b`, "a\n"},
		{`exit 3`, ""},
	}
	eachContainer(t, userName, func(t *testing.T, c container) {
		for _, as := range []string{"user", "root"} {
			for _, tt := range tests {
				out, err := c.run(t, hook.Wrap(manifest.Hook{Run: `echo first`, As: as}), hook.Wrap(manifest.Hook{Run: tt.run, As: as}), "echo last")
				if err == nil || !strings.HasPrefix(out, "first\n"+tt.want) || strings.Contains(out, "b\n") || strings.Contains(out, "last") {
					t.Errorf("%s: %q, %v", tt.run, out, err)
				}
			}
			if out, err := c.run(t, hook.Wrap(manifest.Hook{Run: `exit 0`, As: as}), "echo last"); err != nil || out != "last\n" {
				t.Errorf("exit 0: %q, %v", out, err)
			}
		}
	})
}

// TestWrapIsHarmless checks that a wrapped hook has nothing that distrobox changes.
func TestWrapIsHarmless(t *testing.T) {
	for _, as := range []string{"user", "root"} {
		text := hook.Wrap(manifest.Hook{Run: "a  b\tc\n'*' ?[x]", As: as})
		if strings.ContainsAny(text, "'*?[\t\n") || strings.Contains(text, "  ") || strings.HasSuffix(text, ";") {
			t.Errorf("%s", text)
		}
	}
	got, want := hook.Wrap(manifest.Hook{Run: "rustup update stable", As: "root"}), `sh -euc "$(printf %b "rustup update stable")"`
	if got != want {
		t.Errorf("%s, not %s", got, want)
	}
}
