package host_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/plan"
	"bkt/internal/testkit"
	"bkt/internal/testkit/killpoint"

	"github.com/google/go-cmp/cmp"
)

// childEnv makes the test binary one of children. It has the name of the child.
const childEnv = "BKT_TEST_CHILD"

// children are the programs that tests run and kill as separate processes.
var children = map[string]func(path string) error{
	"rewrite": rewriteOnce,
	"several": writeSeveral,
	"mounted": writeMounted,
}

func TestMain(m *testing.M) {
	killpoint.Main()
	name, path, _ := strings.Cut(os.Getenv(childEnv), ":")
	child, ok := children[name]
	if !ok {
		os.Exit(m.Run())
	}
	if err := child(path); err != nil {
		os.Stdout.WriteString(err.Error())
		os.Exit(1)
	}
	os.Exit(0)
}

// put creates a file, and its folder, and returns its path.
func put(t *testing.T, path, text string, mode fs.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
	return path
}

// rewrite returns the plan that sets the text of the file at path.
func rewrite(t *testing.T, path, text string) plan.Plan {
	t.Helper()
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return plan.Rewrite(path, filepath.Base(path), old, []byte(text))
}

// tree returns the contents of files, and the targets of links, below dir.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name := strings.TrimPrefix(path, dir+"/")
		if d.Type() == fs.ModeSymlink {
			target, err := os.Readlink(path)
			found[name] = "-> " + strings.TrimPrefix(target, dir+"/")
			return err
		}
		text, err := os.ReadFile(path)
		found[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// want compares the whole tree below dir, so that a file left behind is an error, too.
func want(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	if diff := cmp.Diff(files, tree(t, dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDoKeepsTheMode(t *testing.T) {
	for _, mode := range []fs.FileMode{0o600, 0o644, 0o664, 0o755, 0o444, 0o666} {
		t.Run(mode.String(), func(t *testing.T) {
			dir := t.TempDir()
			path := put(t, dir+"/f", "old", mode)
			if err := (host.Executor{}).Execute(t.Context(), rewrite(t, path, "new"), ignore); err != nil {
				t.Fatal(err)
			}
			want(t, dir, map[string]string{"f": "new"})
			if info := stat(t, path); info.Mode() != mode {
				t.Errorf("mode %v", info.Mode())
			}
		})
	}
}

func stat(t *testing.T, path string) fs.FileInfo {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestDoCreatesFilesAsTheUmaskSays(t *testing.T) {
	dir := t.TempDir()
	if err := (host.Executor{}).Execute(t.Context(), rewrite(t, dir+"/f", "new"), ignore); err != nil {
		t.Fatal(err)
	}
	want(t, dir, map[string]string{"f": "new"})
	if err := os.WriteFile(dir+"/other", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, other := stat(t, dir+"/f").Mode(), stat(t, dir+"/other").Mode(); got != other {
		t.Errorf("mode %v, not %v", got, other)
	}
}

func TestDoKeepsTheOwner(t *testing.T) {
	testkit.NeedRoot(t, "give files away")
	dir := t.TempDir()
	path := put(t, dir+"/f", "old", 0o640)
	if err := os.Chown(path, 1234, 5678); err != nil {
		t.Fatal(err)
	}
	if err := (host.Executor{}).Execute(t.Context(), rewrite(t, path, "new"), ignore); err != nil {
		t.Fatal(err)
	}
	info := stat(t, path)
	if s := info.Sys().(*syscall.Stat_t); s.Uid != 1234 || s.Gid != 5678 || info.Mode() != 0o640 {
		t.Errorf("owner %d:%d, mode %v", s.Uid, s.Gid, info.Mode())
	}
}

// TestDoCreatesFilesInTheGroupOfTheFolder has a folder whose files get its group, such as a
// folder that several users share.
func TestDoCreatesFilesInTheGroupOfTheFolder(t *testing.T) {
	dir := t.TempDir()
	shared := dir + "/shared"
	if err := errors.Join(os.Mkdir(shared, 0o755), os.Chown(shared, -1, otherGroup(t)), os.Chmod(shared, 0o755|fs.ModeSetgid)); err != nil {
		t.Skip(err)
	}
	// Here a temporary file would get a group of its own, as it would in /tmp.
	t.Setenv("TMPDIR", dir)
	if err := (host.Executor{}).Execute(t.Context(), rewrite(t, shared+"/f", "new"), ignore); err != nil {
		t.Fatal(err)
	}
	got, group := stat(t, shared+"/f").Sys().(*syscall.Stat_t).Gid, stat(t, shared).Sys().(*syscall.Stat_t).Gid
	if got != group {
		t.Errorf("group %d, not %d", got, group)
	}
	own := put(t, shared+"/own", "old", 0o660) // someone has kept this one from the others
	if err := os.Chown(own, -1, os.Getegid()); err != nil {
		t.Fatal(err)
	}
	if err := (host.Executor{}).Execute(t.Context(), rewrite(t, own, "new"), ignore); err != nil {
		t.Fatal(err)
	}
	if got := stat(t, own).Sys().(*syscall.Stat_t).Gid; int(got) != os.Getegid() {
		t.Errorf("a file that is replaced: group %d, not %d", got, os.Getegid())
	}
}

// otherGroup returns another group than that of the process to which it may give files.
func otherGroup(t *testing.T) int {
	t.Helper()
	if os.Geteuid() == 0 {
		return os.Getegid() + 1
	}
	groups, err := os.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		if g != os.Getegid() {
			return g
		}
	}
	t.Skip("the user is in one group only")
	return 0
}

func TestDoKeepsSymbolicLinks(t *testing.T) {
	tests := []struct {
		name        string
		links       map[string]string // where each leads; from below the test's folder if it begins with /
		write, file string
	}{
		{"relative", map[string]string{"f": "real/f"}, "f", "real/f"},
		{"absolute", map[string]string{"f": "/real/f"}, "f", "real/f"},
		{"upwards", map[string]string{"sub/f": "../real/f"}, "sub/f", "real/f"},
		{"a link to a link", map[string]string{"f": "g", "g": "real/f"}, "f", "real/f"},
		{"a folder that is a link", map[string]string{"sub": "real"}, "sub/f", "real/f"},
		{"a link up from a folder that is a link", map[string]string{"sub": "real/deep", "real/deep/f": "../f"}, "sub/f", "real/f"},
	}
	for _, tt := range tests {
		for _, state := range []string{"old", "missing"} {
			t.Run(tt.name+", file "+state, func(t *testing.T) {
				dir := t.TempDir()
				expected := link(t, dir, tt.links)
				put(t, filepath.Join(dir, tt.file), "old", 0o600)
				if state == "missing" {
					os.Remove(filepath.Join(dir, tt.file))
				}
				if err := (host.Executor{}).Execute(t.Context(), rewrite(t, filepath.Join(dir, tt.write), "new"), ignore); err != nil {
					t.Fatal(err)
				}
				expected[tt.file] = "new"
				want(t, dir, expected)
			})
		}
	}
}

// link creates symbolic links, and returns them as tree does.
func link(t *testing.T, dir string, links map[string]string) map[string]string {
	t.Helper()
	expected := map[string]string{}
	if err := os.MkdirAll(dir+"/real/deep", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, target := range links {
		expected[name] = "-> " + strings.TrimPrefix(target, "/")
		if strings.HasPrefix(target, "/") {
			target = dir + target
		}
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.Symlink(target, path)); err != nil {
			t.Fatal(err)
		}
	}
	return expected
}

func TestDoWritesNothingIfAFileHasChanged(t *testing.T) {
	const changed = "b: the file has changed since bkt read it"
	tests := []struct {
		name  string
		there bool // when the plan is made
		edit  func(path string) error
		err   string // what the error ends with
		after map[string]string
	}{
		{"edited", true, func(path string) error { return os.WriteFile(path, []byte("mine"), 0o600) }, changed, map[string]string{"b": "mine"}},
		{"longer", true, func(path string) error { return os.WriteFile(path, []byte("old b\n"), 0o600) }, changed, map[string]string{"b": "old b\n"}},
		{"emptied", true, func(path string) error { return os.Truncate(path, 0) }, changed, map[string]string{"b": ""}},
		{"created", false, func(path string) error { return os.WriteFile(path, []byte("mine"), 0o600) }, changed, map[string]string{"b": "mine"}},
		{"deleted", true, os.Remove, changed, nil},
		{"now a folder", false, func(path string) error { return os.Mkdir(path, 0o755) }, "b: is a directory", nil},
		{"now a link to itself", false, func(path string) error { return os.Symlink("b", path) }, "b: too many levels of symbolic links", map[string]string{"b": "-> b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir+"/a", "old a", 0o644)
			if tt.there {
				put(t, dir+"/b", "old b", 0o644)
			}
			p := append(rewrite(t, dir+"/a", "new a"), rewrite(t, dir+"/b", "new b")...)
			if err := tt.edit(dir + "/b"); err != nil {
				t.Fatal(err)
			}
			err := host.Executor{}.Execute(t.Context(), p, ignore)
			if err == nil || !strings.HasSuffix(err.Error(), tt.err) {
				t.Errorf("error %v, not %s", err, tt.err)
			}
			if tt.err == changed {
				checkHints(t, err, "run the command again")
			}
			expected := map[string]string{"a": "old a"}
			for name, text := range tt.after {
				expected[name] = text
			}
			want(t, dir, expected)
		})
	}
}

func checkHints(t *testing.T, err error, hints ...string) {
	t.Helper()
	if diff := cmp.Diff(hints, hint.Of(err)); diff != "" {
		t.Errorf("hints (-want +got):\n%s", diff)
	}
}

func TestDoWritesNothingIfAFileCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/a", "old", 0o644)
	put(t, dir+"/file", "x", 0o644)
	p := append(rewrite(t, dir+"/a", "new"), plan.Rewrite(dir+"/file/x", "file/x", nil, []byte("new"))...)
	err := host.Executor{}.Execute(t.Context(), p, func(c plan.Change, _ error) { t.Errorf("%v was executed", c.Targets) })
	if err == nil || err.Error() != "file/x: not a directory" {
		t.Errorf("error is %v", err)
	}
	want(t, dir, map[string]string{"a": "old", "file": "x"})
}

func TestDoMakesFolders(t *testing.T) {
	dir := t.TempDir()
	w := plan.Write{Path: dir + "/new/folder/x", Name: "x", New: []byte("x"), Mode: 0o755}
	if err := (host.Executor{}).Execute(t.Context(), plan.Plan{{Op: plan.Add, Targets: []string{"x"}, Steps: []plan.Step{w}}}, ignore); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(w.Path); err != nil || info.Mode() != 0o755 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestDoDoesNotHoldUpOtherChanges(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/a", "old", 0o644)
	p := append(plan.Plan{{Targets: []string{"x"}, Steps: []plan.Step{odd{}}}}, rewrite(t, dir+"/a", "new")...)
	var done []string
	err := host.Executor{}.Execute(t.Context(), p, func(c plan.Change, err error) {
		if err == nil {
			done = append(done, c.Targets...)
		}
	})
	if err == nil || !strings.HasPrefix(err.Error(), "x: ") {
		t.Errorf("error is %v", err)
	}
	if diff := cmp.Diff(p[1].Targets, done); diff != "" {
		t.Errorf("done (-want +got):\n%s", diff)
	}
	want(t, dir, map[string]string{"a": "new"})
}

// ignore is for tests that do not check the executed changes.
func ignore(plan.Change, error) {}

// TestDoVerifiesCommands checks the commands before and after one without a reliable exit
// status.
func TestDoVerifiesCommands(t *testing.T) {
	sh := func(script string) []string { return []string{"sh", "-c", script} }
	tests := []struct {
		name string
		run  plan.Run
		undo plan.Run
		want string // the error
		made bool   // the command was run
	}{
		{"nothing around", plan.Run{Argv: sh("touch made")}, plan.Run{}, "", true},
		{"it can and has", plan.Run{Argv: sh("touch made"), Require: sh("test ! -e made"), Verify: sh("test -e made")}, plan.Run{}, "", true},
		{"it cannot", plan.Run{Argv: sh("touch made"), Require: sh("echo there is none >&2; exit 1")}, plan.Run{}, "x: there is none", false},
		{"it has not", plan.Run{Argv: sh("touch made; echo no space >&2"), Verify: sh("echo not made >&2; exit 1")}, plan.Run{}, "x: sh: not made: no space", true},
		{"it has not, and is silent", plan.Run{Argv: sh("touch made"), Verify: sh("echo not made >&2; exit 1")}, plan.Run{}, "x: not made", true},
		{"it says so", plan.Run{Argv: sh("touch made; echo no >&2; exit 3"), Verify: sh("touch asked")}, plan.Run{}, "x: sh: exit status 3: no", true},
		{"nothing to undo", plan.Run{Argv: sh("exit 3")}, plan.Run{Argv: sh("exit 4")}, "x: sh: exit status 3", false},
		{"undone", plan.Run{Argv: sh("exit 3")}, plan.Run{Argv: sh("touch made"), Verify: sh("test -e made")}, "x: sh: exit status 3", true},
		{"not undone", plan.Run{Argv: sh("exit 3")}, plan.Run{Argv: sh("touch made"), Verify: sh("echo it is not back >&2; exit 1")}, "x: sh: exit status 3; and this could not be undone: it is not back", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			c := plan.Change{Targets: []string{"x"}, Steps: []plan.Step{tt.run}}
			if tt.undo.Argv != nil {
				c.Undo = []plan.Step{tt.undo}
			}
			got := ""
			if err := (host.Executor{}).Execute(t.Context(), plan.Plan{c}, ignore); err != nil {
				got = err.Error()
			}
			_, err := os.Stat("made")
			if diff := cmp.Diff(tt.want, got); diff != "" || (err == nil) != tt.made {
				t.Error(err, diff)
			}
			if _, err := os.Stat("asked"); err == nil {
				t.Error("a failed command is verified")
			}
		})
	}
}

func TestDoStopsWhenCancelled(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/a", "old", 0o644)
	reason := errors.New("the user has changed their mind")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(reason)
	if err := (host.Executor{}).Execute(ctx, rewrite(t, dir+"/a", "new"), ignore); !errors.Is(err, reason) {
		t.Errorf("error %v", err)
	}
	want(t, dir, map[string]string{"a": "old"})
}

// TestDoLeavesNothingWhenItPanics checks that a bug elsewhere in bkt does not
// change files that are not written yet, and leaves no other file.
func TestDoLeavesNothingWhenItPanics(t *testing.T) {
	dir := t.TempDir()
	first := put(t, filepath.Join(dir, "first"), "old", 0o644)
	second := put(t, filepath.Join(dir, "second"), "old", 0o644)
	p := append(rewrite(t, first, "new"), rewrite(t, second, "new")...)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		_ = host.Executor{}.Execute(t.Context(), p, func(plan.Change, error) { panic("broken") })
	}()
	got := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got[e.Name()] = string(text)
	}
	if diff := cmp.Diff(map[string]string{"first": "new", "second": "old"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDoOfNothingDoesNothing(t *testing.T) {
	if err := (host.Executor{}).Execute(t.Context(), nil, ignore); err != nil {
		t.Error(err)
	}
}

// odd is an unknown step.
type odd struct{ plan.Step }

func TestDoRefusesStepsItDoesNotKnow(t *testing.T) {
	err := host.Executor{}.Execute(t.Context(), plan.Plan{{Targets: []string{"x"}, Steps: []plan.Step{odd{}}}}, ignore)
	if err == nil || err.Error() != "x: a step of type host_test.odd cannot be executed" {
		t.Errorf("error %v", err)
	}
}

func TestErrorsNameTheFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, step := range map[string]plan.Step{
		"put":    plan.Overwrite{Path: filepath.Join(file, "below"), Text: []byte("x")},
		"delete": plan.Delete{Path: filepath.Join(file, "below")},
	} {
		t.Run(name, func(t *testing.T) {
			err := host.Executor{}.Execute(t.Context(), plan.Plan{{Targets: []string{"it"}, Steps: []plan.Step{step}}}, func(plan.Change, error) {})
			if err == nil || !strings.Contains(err.Error(), file) || !strings.HasSuffix(err.Error(), ": not a directory") {
				t.Errorf("error is %v", err)
			}
		})
	}
}

// TestPrivate checks that others cannot read private files and their folders, even if an
// earlier version let them, and that other files keep their mode.
func TestPrivate(t *testing.T) {
	home := t.TempDir()
	private := filepath.Join(home, "state", "bkt")
	written, put, open := filepath.Join(private, "base", "a.json"), filepath.Join(private, "auto", "b.json"), filepath.Join(home, "open", "c.json")
	modes := func(want map[string]fs.FileMode) {
		t.Helper()
		for path, mode := range want {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
				t.Errorf("%s: %v %v, not %v", path, info, err, mode)
			}
		}
	}
	do := func(old, text []byte) {
		t.Helper()
		p := plan.RewritePrivate(private, written, old, text)
		p = append(p, plan.Rewrite(open, open, old, text)...)
		p = append(p, plan.Change{Steps: []plan.Step{plan.Overwrite{Path: put, Text: text, Private: private}}})
		if err := (host.Executor{}).Execute(t.Context(), p, func(plan.Change, error) {}); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]fs.FileMode{written: 0o600, put: 0o600, private: 0o700, filepath.Dir(written): 0o700, filepath.Dir(put): 0o700, open: 0o644, filepath.Dir(open): 0o755}
	do(nil, []byte("1"))
	modes(want)
	for path, mode := range want {
		if err := os.Chmod(path, mode|mode&0o700>>3|mode&0o700>>6&^0o022); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(open, 0o640); err != nil {
		t.Fatal(err)
	}
	want[open] = 0o640
	do([]byte("1"), []byte("2"))
	delete(want, filepath.Dir(open)) // which is not bkt's own
	modes(want)
}

// TestMove checks that a file gets another name, and that none is replaced.
func TestMove(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/a", "a", 0o600)
	put(t, dir+"/b", "b", 0o600)
	if err := carryOut(t, plan.Move{From: dir + "/a", To: dir + "/b"}); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), dir+"/b: file already exists") {
		t.Errorf("over another file: %v", err)
	}
	want(t, dir, map[string]string{"a": "a", "b": "b"})
	if err := carryOut(t, plan.Move{From: dir + "/a", To: dir + "/c"}); err != nil {
		t.Fatal(err)
	}
	want(t, dir, map[string]string{"b": "b", "c": "a"})
	if err := carryOut(t, plan.Move{From: dir + "/a", To: dir + "/d"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no file: %v", err)
	}
}

// names are further names of a file.
type names []string

func (n names) Names() []string { return n }

// TestFurtherNames checks that a file gets its further names, and replaces no other file.
func TestFurtherNames(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "there"), "mine", 0o644)
	step := plan.Overwrite{Path: filepath.Join(dir, "a"), Text: []byte("x"), Also: names{"b", "there"}}
	if err := (host.Executor{}).Execute(t.Context(), plan.Plan{{Steps: []plan.Step{step}}}, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a": "x", "b": "x", "there": "mine"}, tree(t, dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
