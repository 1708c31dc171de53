package host_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"bkt/internal/host"
	"bkt/internal/plan"

	"github.com/google/go-cmp/cmp"
)

// The two contents of the file that is rewritten until its writer is killed.
// They are large, so that writing takes its time.
var (
	contentA = bytes.Repeat([]byte("content A\n"), 1<<20/10)
	contentB = bytes.Repeat([]byte("B, which is longer\n"), 2<<20/19)
)

// TestKilledWriterLeavesAWholeFile kills processes that write one content
// after the other, at random moments. The file has to be one of them, and there
// has to be nothing else but what the next write takes away.
func TestKilledWriterLeavesAWholeFile(t *testing.T) {
	for _, name := range []string{"one file", "and another beside it"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := put(t, t.TempDir()+"/f", string(contentA), 0o640)
			within := 0
			for range 25 {
				if killWriter(t, path) {
					within++
				}
				checkWhole(t, path)
			}
			if within == 0 {
				t.Error("no writer was killed while it wrote")
			}
			checkSwept(t, path)
		})
	}
}

func checkWhole(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, contentA) && !bytes.Equal(text, contentB) {
		t.Fatalf("the file has %d bytes, and is neither A nor B", len(text))
	}
	if mode := stat(t, path).Mode(); mode != 0o640 {
		t.Errorf("mode %v", mode)
	}
}

// killWriter starts a writer and kills it. It reports whether that was in a write.
func killWriter(t *testing.T, path string) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=rewrite:"+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	writes := bufio.NewReader(out)
	started := time.Now()
	for range 1 + rand.IntN(2) {
		started = time.Now()
		if line, err := writes.ReadString('\n'); err != nil || line != "write\n" {
			t.Errorf("the writer says %s %v", line, err)
		}
		if line, err := writes.ReadString('\n'); err != nil || line != "written\n" {
			t.Errorf("the writer says %s %v", line, err)
		}
	}
	// Any part of a write may be the one that is cut short.
	<-time.After(time.Duration(rand.Int64N(int64(min(time.Since(started), 20*time.Millisecond)))))
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	said, err := io.ReadAll(writes)
	if err != nil {
		t.Error(err)
	}
	cmd.Wait() // it ends with the signal
	return bytes.HasSuffix(said, []byte("write\n"))
}

// rewriteForever is the process that is killed. It says when it begins to write,
// and when it has written.
func rewriteForever(path string) error {
	for {
		old, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text := contentA
		if bytes.Equal(old, text) {
			text = contentB
		}
		fmt.Println("write")
		if err := (host.Executor{}).Execute(context.Background(), plan.Rewrite(path, "f", old, text), ignore); err != nil {
			return err
		}
		fmt.Println("written")
	}
}

// checkSwept checks that the next write takes away what a writer has left that was
// killed, and nothing else: neither what is only called so nor what is being
// written now.
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

// TestDraftsWithAName is about file systems that know no files without one: what
// is left there proves what it is, too.
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

// TestEveryFolderIsSwept checks that what a killed bkt has left goes from each folder
// that something is written to, whatever writes it, and from no other.
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
