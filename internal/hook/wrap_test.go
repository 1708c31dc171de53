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

	"github.com/google/go-cmp/cmp"
)

// userName is a normal user, whom scripts/setup.sh makes.
const userName = "bkt-test"

// These do with a hook what distrobox does: its create, a shell script, puts it
// into the command line of the box, and its init runs it when the box starts.
const (
	create    = `command="$SHELL_OF_BOX -c \"\$INIT\" init '$1'"; eval ${command}`
	createPre = `command="$SHELL_OF_BOX -c \"\$INIT\" init \"$1\""; eval ${command}`
	start     = `set -o errexit; set -o nounset; init_hook="$1"; eval ${init_hook}`
)

// A box runs hooks.
type box struct {
	shell string // its sh
	path  string // its PATH
	home  string
}

// run has distrobox's scripts run the hooks, of which all but the last have an
// && after them.
func (b box) run(t *testing.T, hooks ...string) (string, error) {
	t.Helper()
	return b.runBy(t, create, hooks...)
}

// runBy is run with the script of distrobox's create given.
func (b box) runBy(t *testing.T, create string, hooks ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(b.shell, "-c", create, "create", strings.Join(hooks, " && "))
	cmd.Dir = b.home
	cmd.Env = []string{"HOME=" + b.home, "PATH=" + b.path, "SHELL_OF_BOX=" + b.shell, "INIT=" + start}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// newBox returns a box with a shell as its sh, and without the programs named.
func newBox(t *testing.T, shell, owner string, without ...string) box {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir(); d = filepath.Dir(d) { // for its owner alone
		check(t, os.Chmod(d, 0o755))
	}
	b := box{shell: filepath.Join(dir, "bin", "sh"), path: filepath.Join(dir, "bin"), home: filepath.Join(dir, "home of a user")}
	check(t, os.Mkdir(b.path, 0o755))
	check(t, os.Mkdir(b.home, 0o755))
	link(t, shell, b.shell)
	for _, tool := range []string{"stat", "id", "env", "runuser", "setpriv", "su", "touch", "ls"} {
		if !slices.Contains(without, tool) {
			link(t, tool, filepath.Join(b.path, tool))
		}
	}
	check(t, os.WriteFile(filepath.Join(b.home, "a file"), nil, 0o644))
	give(t, owner, b.home)
	return b
}

func link(t *testing.T, tool, to string) {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		missing(t, tool+" is not installed")
	}
	check(t, os.Symlink(path, to))
}

func give(t *testing.T, owner, dir string) {
	t.Helper()
	u, err := user.Lookup(owner)
	if err != nil {
		missing(t, err.Error())
	}
	uid, errUID := strconv.Atoi(u.Uid)
	gid, errGID := strconv.Atoi(u.Gid)
	check(t, errUID)
	check(t, errGID)
	check(t, os.Chown(dir, uid, gid))
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("BKT_REQUIRE_TOOLS") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// boxes calls test with a box of each shell, for each way there is to become
// its user.
func boxes(t *testing.T, owner string, test func(t *testing.T, b box)) {
	if os.Geteuid() != 0 {
		missing(t, "only root can be someone else")
	}
	for _, shell := range []string{"dash", "bash"} {
		for _, without := range [][]string{{}, {"runuser"}, {"runuser", "setpriv"}} {
			t.Run(shell+" without "+strings.Join(without, " "), func(t *testing.T) {
				test(t, newBox(t, shell, owner, without...))
			})
		}
	}
}

// awkward are hooks that are easily spoilt on their way into a box, with what
// they print.
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
	boxes(t, userName, func(t *testing.T, b box) {
		for _, as := range []string{"", "user", "root"} {
			var hooks []string
			want := ""
			for _, tt := range awkward {
				hooks = append(hooks, hook.Wrap(manifest.Hook{Run: tt.run, As: as}))
				want += tt.want
			}
			out, err := b.run(t, hooks...)
			if diff := cmp.Diff(want, out); diff != "" || err != nil {
				t.Error(diff, err)
			}
		}
	})
}

func TestWrapPreKeepsTheHook(t *testing.T) {
	for _, shell := range []string{"dash", "bash"} {
		t.Run(shell, func(t *testing.T) {
			b := newBox(t, shell, "root")
			link(t, "base64", filepath.Join(b.path, "base64"))
			var hooks []string
			want := ""
			for _, tt := range awkward {
				hooks = append(hooks, hook.WrapPre(tt.run))
				want += tt.want
			}
			out, err := b.runBy(t, createPre, hooks...)
			if diff := cmp.Diff(want, out); diff != "" || err != nil {
				t.Error(diff, err)
			}
			out, err = b.runBy(t, createPre, hook.WrapPre("echo a; false; echo b"), "echo last")
			if err == nil || out != "a\n" {
				t.Errorf("%q, %v", out, err)
			}
		})
	}
}

func TestWrapRunsAsWhomItSays(t *testing.T) {
	const who = `id -un; echo "$HOME"; echo "$PATH"; id -Gn | { read -r x; echo "$x"; }`
	boxes(t, userName, func(t *testing.T, b box) {
		rest := "\n" + b.home + "\n" + b.path + "\n"
		out, err := b.run(t, hook.Wrap(manifest.Hook{Run: who + `; echo "$USER $LOGNAME"; touch mine; test -O mine`}))
		want := userName + rest + userName + "\n" + userName + " " + userName + "\n"
		if diff := cmp.Diff(want, out); diff != "" || err != nil {
			t.Error(diff, err)
		}
		out, err = b.run(t, hook.Wrap(manifest.Hook{Run: who, As: "root"}))
		if want := "root" + rest; err != nil || !strings.HasPrefix(out, want) {
			t.Errorf("%q, %v, not %q", out, err, want)
		}
	})
}

// TestWrapWithoutAnotherUser runs hooks where there is no one to become.
func TestWrapWithoutAnotherUser(t *testing.T) {
	boxes(t, "root", func(t *testing.T, b box) {
		if out, err := b.run(t, hook.Wrap(manifest.Hook{Run: `id -un`})); err != nil || out != "root\n" {
			t.Errorf("%q, %v", out, err)
		}
	})
	boxes(t, userName, func(t *testing.T, b box) {
		cmd := exec.Command("setpriv", "--reuid="+userName, "--clear-groups", b.shell, "-euc", hook.Wrap(manifest.Hook{Run: `id -un`}))
		cmd.Env = []string{"HOME=" + b.home, "PATH=" + b.path}
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != userName+"\n" {
			t.Errorf("%q, %v", out, err)
		}
	})
}

// TestWrapFails checks that a hook ends at its first error, and the others with it.
func TestWrapFails(t *testing.T) {
	tests := []struct{ run, want string }{
		{`echo a; false; echo b`, "a\n"},
		{`echo a; echo "$UNSET_VARIABLE"; echo b`, "a\n"},
		{`exit 3`, ""},
	}
	boxes(t, userName, func(t *testing.T, b box) {
		for _, as := range []string{"user", "root"} {
			for _, tt := range tests {
				out, err := b.run(t, hook.Wrap(manifest.Hook{Run: `echo first`, As: as}), hook.Wrap(manifest.Hook{Run: tt.run, As: as}), "echo last")
				if err == nil || !strings.HasPrefix(out, "first\n"+tt.want) || strings.Contains(out, "b\n") || strings.Contains(out, "last") {
					t.Errorf("%s: %q, %v", tt.run, out, err)
				}
			}
			if out, err := b.run(t, hook.Wrap(manifest.Hook{Run: `exit 0`, As: as}), "echo last"); err != nil || out != "last\n" {
				t.Errorf("exit 0: %q, %v", out, err)
			}
		}
	})
}

// TestWrapIsHarmless checks that nothing is in a wrapped hook that distrobox spoils.
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
