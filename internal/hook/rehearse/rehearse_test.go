package rehearse

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"bkt/internal/buildkit"
	"bkt/internal/hook"
	"bkt/internal/hook/homecopy"
	"bkt/internal/manifest"
)

const declared = `{"containers": {
  "bootc-dev": {"image": "quay.io/me/dev", "pre_init_hooks": ["dnf upgrade -y"], "init_hooks": [
    {"run": "touch ~/a /b", "volatile": ["~/.cache", "/var/log/", "/etc/group~"]},
    "touch ~/a /b"
  ]},
  "work": {"image": "quay.io/me/work", "init_hooks": ["true"]}
}}`

// readHooks returns the hooks of the toolbox container.
func readHooks(t *testing.T) []*hook.Declared {
	t.Helper()
	m, err := hook.Read(fstest.MapFS{manifest.DistroboxPath: {Data: []byte(declared)}})
	if err != nil {
		t.Fatal(err)
	}
	hooks, err := m.Hooks("bootc-dev")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(hooks, func(h *hook.Declared) bool { return h.Pre })
}

// TestFindings checks which hook a changed path is attributed to, and that a hook has one
// finding for all of its paths.
func TestFindings(t *testing.T) {
	hooks := readHooks(t)
	by := map[string]*hook.Declared{"/home/user/.cached": hooks[0], "/etc/x": hooks[0], "/etc/x/y": hooks[1]}
	tests := []struct {
		path string
		hook *hook.Declared
		want string // the message
	}{
		{"/etc/x", hooks[0], "not idempotent: /etc/x: the second run changes it: added"},
		{"/etc/x/y/z", hooks[1], "not idempotent: /etc/x/y/z: the second run changes it: added"},
		{"/etc/x/other", hooks[0], "not idempotent: /etc/x/other: the second run changes it: added"},
		{"/home/user/.cached/x", hooks[0], "not idempotent: ~/.cached/x: the second run changes it: added"},
		{"/etc", nil, "an unknown hook of bootc-dev: not idempotent: /etc: the second run changes it: added"},
		{"/usr/x", nil, "an unknown hook of bootc-dev: not idempotent: /usr/x: the second run changes it: added"},
	}
	var all []blamed
	for _, tt := range tests {
		b := blamed{changedBy(by, tt.path), difference{Change: buildkit.Change{Path: tt.path, Kind: buildkit.Added, What: "added"}}}
		all = append(all, b)
		found := runTwice.findings("bootc-dev", []blamed{b})
		if len(found) != 1 || found[0].Message != tt.want || found[0].Hook != tt.hook {
			t.Errorf("%s: %+v", tt.path, found)
		}
	}
	found := runTwice.findings("bootc-dev", all)
	if len(found) != 3 || found[0].Message != "not idempotent: the second run changes 3 paths: /etc/x, /etc/x/other, ~/.cached/x" || len(found[0].Files) != 3 || found[1].Hook != hooks[1] || found[2].Hook != nil {
		t.Errorf("%+v", found)
	}
}

// TestSeveralChanges checks that what differs in one path is one file of a finding.
func TestSeveralChanges(t *testing.T) {
	h := readHooks(t)[0]
	var all []blamed
	for _, what := range []string{"mode x became y", "1 bytes became 2"} {
		all = append(all, blamed{h, difference{buildkit.Change{Path: "/a", What: what}, []string{"+" + what}}})
	}
	want := []hook.File{{Path: "/a", Change: "mode x became y, 1 bytes became 2", Lines: []string{"+mode x became y", "+1 bytes became 2"}}}
	if found := runTwice.findings("bootc-dev", all); len(found) != 1 || !reflect.DeepEqual(found[0].Files, want) {
		t.Errorf("%+v", found)
	}
}

// TestFree checks which paths are no finding.
func TestFree(t *testing.T) {
	h := readHooks(t)[0]
	for path, reason := range map[string]string{
		"/home/user/.cache/x": "volatile", "/var/log/x": "volatile", "/var/log": "volatile", "/home/user/.cached": "", "/var/logs": "", "/etc/x": "",
		"/run/dnf/x": "state of the running system", "/home/user/.npm/_logs/x.log": "log and cache of npm", "/home/user/.npm/x": "",
		"/home/user/a/b/.git/FETCH_HEAD": "bookkeeping of git, whose work tree is compared", "/home/user/a/.git/HEAD": "", "/home/user/.git/index": "bookkeeping of git, whose work tree is compared",
		"/usr/lib/sysimage/rpm/rpmdb.sqlite-shm": "database of rpm, whose packages are compared by their files",
		"/usr/lib/python3/__pycache__/x.pyc":     "compiled at its use", "/etc/passwd-": "backup of an account file", "/etc/passwd": "",
		"/home/user/.gnupg/pubring.kbx.lock": "random seed or lock of gpg", "/home/user/Cargo.lock": "", "/var/lib/x/db.sqlite-wal": "side file of a database",
		"/home/user/.config/x/cache": "", "/home/user/work-journal/today": "", "/home/user/a\nb/.git/index": "bookkeeping of git, whose work tree is compared",
		"/etc/group~": "volatile", "/home/user/.cache~": "",
	} {
		r := &runner{container: "bootc-dev", ignored: map[string]Ignored{}}
		free := r.isFreePath(path, h)
		got := r.ignored[path].Reason
		if free && got == "" {
			got = "volatile"
		}
		if got != reason {
			t.Errorf("%s: %q instead of %q", path, got, reason)
		}
	}
}

// TestLinesOfHooks checks which differences of a text in two homes are due to hooks. The
// texts are those of a new home before and after them, and of an old one.
func TestLinesOfHooks(t *testing.T) {
	tests := []struct {
		name                       string
		fresh0, fresh1, old0, old1 string
		want                       string
	}{
		{"appended in both", "skel", "skel|a", "mine|theirs", "mine|theirs|a", ""},
		{"there in the old home", "skel", "skel|a", "mine|a|theirs", "mine|a|theirs", ""},
		{"written only if absent", "", "a=1", "a=0", "a=0", "-a=1"},
		{"replaced in both", "a=0|b", "a=1|b", "c|a=5", "c|a=1", ""},
		{"replaced only in a new home", "a=0", "a=1", "a=5", "a=5", "-a=1"},
		{"removed in both", "x|y", "y", "x|z", "z", ""},
		{"removed only in a new home", "x|y", "y", "x|z", "x|z", "+x"},
		{"added only in an old home", "s", "s", "mine", "mine|b", "+b"},
		{"a line of the user replaced", "s", "s|a", "old/path", "new/path|a", ""},
		{"settings written again", "", "{|  \"a\": 1|}", "{|  \"a\": 0,|  \"b\": 2|}", "{|  \"a\": 1,|  \"b\": 2|}", ""},
		{"a setting of the user lost is no matter of others", "", "a=1", "a=0|b=2", "a=1", ""},
	}
	split := func(s string) []string {
		if s == "" {
			return nil
		}
		return strings.Split(s, "|")
	}
	for _, tt := range tests {
		got := linesOfHooks([4][]string{split(tt.fresh0), split(tt.fresh1), split(tt.old0), split(tt.old1)})
		if strings.Join(got, "|") != tt.want {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
}

// TestWrites checks what a change of hooks says about other paths.
func TestWrites(t *testing.T) {
	w := newWrites([]buildkit.Change{
		{Path: "/new", Kind: buildkit.Added, After: fs.ModeDir}, {Path: "/changed", Kind: buildkit.Content}, {Path: "/mode", Kind: buildkit.Mode, After: fs.ModeDir},
		{Path: "/gone", Kind: buildkit.Removed, Before: fs.ModeDir}, {Path: "/file", Kind: buildkit.Added},
	})
	for path, want := range map[string]bool{
		"/new": true, "/new/x": true, "/newer": false, "/changed": true, "/changed/x": false, "/": false, "/mode": true, "/mode/x": false, "/gone/x": true, "/file": true, "/file/x": false,
	} {
		if got := w.has(path, anyKind...); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	if w.has("/new/x", buildkit.Content) || !w.has("/new/x", buildkit.Added) {
		t.Error("a file in a new folder is new")
	}
}

// TestLinks checks what belongs to the links of a user in an old home.
func TestLinks(t *testing.T) {
	places := []string{"/home/me", "/var/home/me"}
	for name, want := range map[string]string{"/home/me/a": "/home/user/a", "/var/home/me": "/home/user", "/home/mean": "/home/mean", "/etc": "/etc"} {
		if got := ofHome(name, places); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	o := comparison{
		written: newWrites([]buildkit.Change{{Path: "/home/user/.config/a", Kind: buildkit.Added, After: fs.ModeDir}, {Path: "/home/user/.config/b", Kind: buildkit.Content}}),
		links:   map[string]string{"/home/user/dot": "/home/user/.config"},
	}
	for name, want := range map[string]bool{
		"/home/user/dot/a": true, "/home/user/dot/a/x": true, "/home/user/dot/b": false, "/home/user/dot/c": false, "/home/user/dots/a": false, "/home/user/.config/a": false,
	} {
		if got := o.isBehindLink(name); got != want {
			t.Errorf("behind a link, %s: %v", name, got)
		}
	}
	link := buildkit.Change{Path: "/home/user/.config", Kind: buildkit.Mode, Before: fs.ModeDir, After: fs.ModeSymlink}
	if !o.isLinkOfUser(link) {
		t.Error("a link of the user")
	}
	if o.rewritten = newWrites([]buildkit.Change{link}); o.isLinkOfUser(link) {
		t.Error("a link that hooks have made")
	}
}

func TestDiffLines(t *testing.T) {
	got := diffLines([]string{"a", "--- b", "c"}, []string{"a", "+++ d", "c", "e"})
	if want := []string{"---- b", "++++ d", "+e"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := diffLines(nil, []string{"a"}); !slices.Equal(got, []string{"+a"}) {
		t.Errorf("%q", got)
	}
}

// TestPrivate checks which paths of a home that the copy lacks hooks may have written.
func TestPrivate(t *testing.T) {
	r := &runner{Options: Options{Old: OldHome{From: Home, Copy: homecopy.Copy{LeftOut: []string{".config/gh", ".netrc", ".ssh"}}}}}
	written := []buildkit.Change{
		{Path: "/home/user/.config", Kind: buildkit.Added}, {Path: "/home/user/.ssh/config", Kind: buildkit.Content},
		{Path: "/home/user", Kind: buildkit.Mode}, {Path: "/home/user/.netrcs", Kind: buildkit.Added}, {Path: "/.netrc", Kind: buildkit.Added},
	}
	if got := r.private(written); !slices.Equal(got, []string{".config/gh", ".ssh/config"}) {
		t.Errorf("%q", got)
	}
}

// TestFailure checks that a finding says what hooks lack in the copy of a home, and that
// others do not.
func TestFailure(t *testing.T) {
	h := readHooks(t)[0]
	lacking := homecopy.Copy{LeftOut: []string{".netrc", "a"}}
	tests := []struct {
		name    string
		old     OldHome
		copy    bool
		message string
		fix     int
	}{
		{"a new home", OldHome{}, false, "fails: its run ends with exit code 2", 1},
		{"a new home, before an old one", OldHome{From: Home, Copy: lacking}, false, "fails: its run ends with exit code 2", 1},
		{"the copy of a home", OldHome{From: Home}, true, "fails: its run ends with exit code 2; it has no network there, because it can read your files", 2},
		{"with a network", OldHome{From: Home, Online: true}, true, "fails: its run ends with exit code 2", 1},
		{"a home with private files", OldHome{From: Home, Online: true, Copy: lacking}, true, "fails: its run ends with exit code 2; the copy of the home lacks a", 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &runner{Options: Options{Old: tt.old}}
			f := r.failure(stage{name: "run", rule: runs, copy: tt.copy}, h, outcome{code: 2})
			if f.Message != tt.message || len(f.Fix) != tt.fix {
				t.Errorf("%q, %q", f.Message, f.Fix)
			}
		})
	}
}

// TestJudge checks what the end of a hook says.
func TestJudge(t *testing.T) {
	h := readHooks(t)[0]
	first := stage{name: "first run", rule: runs}
	copied := stage{name: "run in the old home", rule: runs, copy: true}
	tests := []struct {
		name string
		s    stage
		o    outcome
		want string // empty: the hook has passed
	}{
		{"success", first, outcome{output: "x"}, ""},
		{"an error", first, outcome{code: 3, output: "x"}, "fails: its first run ends with exit code 3"},
		{"no network", first, outcome{code: 6, output: "curl: (6) Could not resolve host: example.org"}, "not run: no network"},
		{"no network, ignored by the hook", first, outcome{output: "curl: (6) Could not resolve host: example.org"}, "not run: no network"},
		{"no network in a copy", copied, outcome{code: 6, output: "x\nwget: bad address 'example.org'"}, "not run: no network in the old home, because hooks can read your files there"},
		{"a machine without a name", first, outcome{output: "sudo: unable to resolve host x: Name or service not known"}, ""},
		{"no sudo", first, outcome{code: 127, output: "sh: 1: sudo: not found"}, "fails: its first run ends with exit code 127; the image has no sudo, which distrobox installs when it sets up a container"},
		{"a command of distrobox", first, outcome{reason: "it runs a program of the host"}, "not run: it runs a program of the host"},
		{"too slow", first, outcome{code: 124, took: time.Minute}, "fails: its first run takes longer than 1m0s"},
		{"too slow, and killed", first, outcome{code: 137, took: time.Minute + 2*time.Second}, "fails: its first run takes longer than 1m0s"},
		{"too slow, in BusyBox", first, outcome{code: 143, took: time.Minute}, "fails: its first run takes longer than 1m0s"},
		{"its own exit code", first, outcome{code: 124, took: time.Second}, "fails: its first run ends with exit code 124"},
	}
	for _, tt := range tests {
		r := &runner{Options: Options{Limit: time.Minute, Old: OldHome{From: Home}}}
		got := ""
		if f := r.judge(tt.s, h, tt.o, nil); f != nil {
			got = f.Message
		}
		if got != tt.want {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
	r := &runner{}
	if f := r.judge(first, h, outcome{code: 127, output: "sh: node: not found"}, h); f.Message != "not run: its first run ends with exit code 127, after a hook that was not run: touch ~/a /b" || !slices.Equal(f.Output, []string{"sh: node: not found"}) {
		t.Errorf("%+v", f)
	}
}

// TestDropUnproven checks which hooks count as not run where there is no network, although
// they end without an error.
func TestDropUnproven(t *testing.T) {
	for text, dropped := range map[string]bool{
		"curl -fsSo x https://x || true": true, "git -C x pull -q 2>/dev/null || :": true, "git config --global a b": false, "mkdir -p ~/curly": false, "wget -q x || :": true,
	} {
		h := *readHooks(t)[0]
		h.Run = text
		for _, offline := range []bool{true, false} {
			r := &runner{in: buildkit.Inspection{Offline: offline}}
			if rest := r.dropUnproven(runsOf{{hook: &h}}); (len(rest) == 0) != (dropped && offline) || len(rest)+len(r.found) != 1 {
				t.Errorf("%s, offline %v: %v, %v", text, offline, rest, r.found)
			}
		}
	}
}

// TestSilent checks that a download that says nothing counts as not run where hooks have no
// network, and as failed where they have one.
func TestSilent(t *testing.T) {
	h := *readHooks(t)[0]
	h.Run = "curl -fso ~/x https://example.org/x"
	copied := stage{name: "run in the old home", rule: runs, copy: true}
	for _, tt := range []struct {
		offline, online bool
		s               stage
		want            hook.Verdict
	}{
		{true, false, stage{rule: runs}, hook.NotRun}, {false, false, stage{rule: runs}, hook.Fails}, {false, false, copied, hook.NotRun}, {false, true, copied, hook.Fails},
	} {
		r := &runner{Options: Options{Old: OldHome{From: Home, Online: tt.online}}, in: buildkit.Inspection{Offline: tt.offline}}
		if f := r.judge(tt.s, &h, outcome{code: 6}, nil); f == nil || f.Verdict != tt.want {
			t.Errorf("%+v: %+v", tt, f)
		}
	}
}

func TestLastLines(t *testing.T) {
	got := lastLines("1\n2\n\n3\n4\r\n5\n10 %\r20 %\r\n  6  \n")
	if want := []string{"3", "4", "5", "20 %", "6"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestIsTemporary(t *testing.T) {
	for path, want := range map[string]bool{"/tmp/x": true, "/var/tmp/x": true, "/run/x/y": false, "/tmp": false, "/tmpx": false, "/var/x": false} {
		if got := isTemporary(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func TestShort(t *testing.T) {
	for run, want := range map[string]string{
		"true": "true",
		"éééééééééééééééééééééééééééééééééééééééééééééééééé":  "éééééééééééééééééééééééééééééééééééééééééééééééééé",
		"ééééééééééééééééééééééééééééééééééééééééééééééééééé": "éééééééééééééééééééééééééééééééééééééééééééééééééé…",
	} {
		if got := short(run); got != want {
			t.Errorf("%s: %s", run, got)
		}
	}
}

// TestScript checks that the result of a hook is there whatever the hook does to the files
// that it is written to.
func TestScript(t *testing.T) {
	for text, want := range map[string]string{
		"echo a; echo b >&2; exit 3":              "3\n\na\nb\n",
		`echo a; rm -rf "$DIR"/*; echo b`:         "0\n\na\nb\n",
		`mkdir "$DIR/result"; false; echo a`:      "1\n\n",
		`echo "a reason" >>"$DIR/reason"; exit 1`: "1\na reason\n",
	} {
		dir := t.TempDir()
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", strings.ReplaceAll(script, resultDir, dir))
		cmd.Env = append(os.Environ(), "DIR="+dir, "BKT_LIMIT=", "BKT_HOOK="+hook.Wrap(manifest.Hook{Run: text, As: "root"}))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", text, err, out)
		}
		data, err := os.ReadFile(filepath.Join(dir, "result"))
		if err != nil {
			t.Fatal(err)
		}
		first, rest, _ := strings.Cut(string(data), "\n")
		code, _, _ := strings.Cut(first, " ")
		if got := code + "\n" + rest; got != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}
