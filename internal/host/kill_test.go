package host_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bkt/internal/host"
	"bkt/internal/plan"
	"bkt/internal/testkit/killpoint"

	"github.com/google/go-cmp/cmp"
)

// The two contents of the file that is rewritten until its writer is killed.
const (
	contentA = "content A\n"
	contentB = "B, which is longer\n"
)

// TestKilledWriterLeavesAWholeFile kills a process at each step of replacing one
// content by the other. The file must have one of them, and the next write must remove all
// other files of the process.
func TestKilledWriterLeavesAWholeFile(t *testing.T) {
	path := put(t, t.TempDir()+"/f", contentA, 0o640)
	dir := filepath.Dir(path)
	points := killWriter(t, "rewrite:"+path, "").Points
	for _, point := range points {
		if run := killWriter(t, "rewrite:"+path, point); !run.Killed {
			t.Errorf("%s is not reached", point)
		}
		checkWhole(t, path)
		if err := rewriteOnce(path); err != nil {
			t.Fatal(err)
		}
		if names := tree(t, dir); len(names) != 1 {
			t.Fatalf("killed at %s; after the next write there is %q", point, names)
		}
	}
	for _, want := range []string{"create " + dir, "write " + dir + "/#…", "sync " + dir + "/#…", "link " + dir + "/.bkt-tmp-…", "rename " + path, "sync " + dir} {
		if !slices.Contains(points, want) {
			t.Errorf("no writer was killed at %q, only at %q", want, points)
		}
	}
	checkSwept(t, path)
}

// killWriter runs a child that writes into a folder, and kills it at a point. writer is the
// name of the child and a path in the folder, or its path.
func killWriter(t *testing.T, writer, point string) killpoint.Run {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), childEnv+"="+writer)
	_, path, _ := strings.Cut(writer, ":")
	if stat(t, path).Mode().IsRegular() {
		path = filepath.Dir(path)
	}
	run, err := killpoint.Start(cmd, path, point)
	if err != nil {
		t.Fatal(err)
	}
	if !run.Killed && run.Err != nil {
		t.Fatalf("%v: %s", run.Err, run.Output)
	}
	return run
}

func checkWhole(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != contentA && string(text) != contentB {
		t.Fatalf("the file has neither content: %q", text)
	}
	if mode := stat(t, path).Mode(); mode != 0o640 {
		t.Errorf("mode %v", mode)
	}
}

// rewriteOnce replaces one content by the other. It is also the program that killWriter
// runs.
func rewriteOnce(path string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text := contentA
	if string(old) == text {
		text = contentB
	}
	return host.Executor{}.Execute(context.Background(), plan.Rewrite(path, "f", old, []byte(text)), ignore)
}

// checkSwept checks that the next write removes the files of a killed writer, and no others:
// neither files with a similar name nor those that are being written.
func checkSwept(t *testing.T, path string) {
	t.Helper()
	dir := filepath.Dir(path)
	left := host.Abandon(t, dir)
	busy, done := host.Draft(t, dir)
	defer done()
	copied := host.Abandon(t, dir)
	text, err := os.ReadFile(copied)
	if err := errors.Join(err, os.Rename(copied, copied+".moved"), os.WriteFile(copied, text, 0o600)); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"f": "new", filepath.Base(busy): "draft", filepath.Base(copied): "draft", filepath.Base(copied) + ".moved": "draft"}
	for _, name := range []string{".f123", ".f", ".f12x", ".f1234567890123456789", ".g123", "f123", ".bkt-tmp-notes", ".bkt-tmp-0123456789abcdef0123456789abcdef"} {
		put(t, dir+"/"+name, "mine", 0o644)
		want[name] = "mine"
	}
	if err := (host.Executor{}).Execute(t.Context(), rewrite(t, path, "new"), ignore); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Errorf("after the write (-want +got), where %s was left:\n%s", left, diff)
	}
}

// TestEachFolderIsSyncedOnce checks that a plan syncs the folders of its files when all
// are there, each once, the parents of new folders too, and those of caches never.
func TestEachFolderIsSyncedOnce(t *testing.T) {
	dir := t.TempDir()
	run := killWriter(t, "several:"+dir, "")
	var got []string
	for _, point := range run.Points {
		if call, path, _ := strings.Cut(point, " "); call == "sync" && !strings.Contains(path, "/#…") || call == "rename" {
			got = append(got, strings.ReplaceAll(point, dir, "DIR"))
		}
	}
	want := []string{"rename DIR/a", "rename DIR/b", "rename DIR/new/deep/c", "rename DIR/cache/d", "sync DIR", "sync DIR/new/deep", "sync DIR/new"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// writeSeveral writes files in several folders. It is the program that
// TestEachFolderIsSyncedOnce runs.
func writeSeveral(dir string) error {
	return host.Executor{}.Execute(context.Background(), plan.Plan{
		{Targets: []string{"a", "b", "c"}, Steps: []plan.Step{
			plan.Write{Path: dir + "/a", Name: "a", New: []byte("x")}, plan.Write{Path: dir + "/b", Name: "b", New: []byte("x")},
			plan.Overwrite{Path: dir + "/new/deep/c", Text: []byte("x")}, plan.Overwrite{Path: dir + "/cache/d", Text: []byte("x"), Cache: true},
		}},
	}, ignore)
}

// TestDraftsWithAName has a file system without O_TMPFILE: the name of a draft proves that
// it is one there, too.
func TestDraftsWithAName(t *testing.T) {
	dir := t.TempDir()
	name, place := host.DraftWithAName(t, dir+"/f")
	if !host.Abandoned(name) {
		t.Errorf("%s does not prove what it is", name)
	}
	if err := place(); err != nil {
		t.Fatal(err)
	}
	want(t, dir, map[string]string{"f": "draft"})
}

// TestEveryFolderIsSwept checks that the files of a killed bkt are removed from each folder
// that a step writes to, for all kinds of steps, and from no other.
func TestEveryFolderIsSwept(t *testing.T) {
	dir := t.TempDir()
	left := map[string]string{}
	for _, name := range []string{"write", "put", "revise", "fetch", "install", "cache", "retry", "linked", "other"} {
		if err := os.Mkdir(dir+"/"+name, 0o755); err != nil {
			t.Fatal(err)
		}
		left[name] = host.Abandon(t, dir+"/"+name)
	}
	if err := os.Symlink("../linked/f", dir+"/put/link"); err != nil {
		t.Fatal(err)
	}
	content := put(t, dir+"/content", "content", 0o600)
	fail := plan.Fail{Reason: errors.New("fails")}
	p := plan.Plan{
		{Targets: []string{"f"}, Steps: []plan.Step{
			plan.Write{Path: dir + "/write/f", Name: "f", New: []byte("x")}, plan.Overwrite{Path: dir + "/put/link", Text: []byte("x")},
			plan.EditKeyFile{Path: dir + "/revise/f"}, plan.Fetch{URL: "file://" + content, Path: dir + "/fetch/f", Limit: 100},
			plan.Install{Source: plan.Source{URL: "file://" + content, SHA256: sumOfContent}, Path: dir + "/install/f", Cache: dir + "/cache/f", Limit: 100, Finish: finisher{}},
		}},
		{Targets: []string{"f"}, Steps: []plan.Step{fail}, Fallback: plan.Plan{{Targets: []string{"f"}, Steps: []plan.Step{plan.Overwrite{Path: dir + "/retry/f", Text: []byte("x")}}}}},
	}
	if err := (host.Executor{}).Execute(t.Context(), p, ignore); err != nil {
		t.Fatal(err)
	}
	for name, path := range left {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) != (name != "other") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
