package host_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"bkt/internal/host"
	"bkt/internal/plan"
)

// The two contents of the file that is rewritten until its writer is killed.
// They are large, so that writing takes its time.
var (
	contentA = bytes.Repeat([]byte("content A\n"), 1<<20/10)
	contentB = bytes.Repeat([]byte("B, which is longer\n"), 2<<20/19)
)

// TestKilledWriterLeavesAWholeFile kills processes that write one content
// after the other, at random moments. The file has to be one of them.
func TestKilledWriterLeavesAWholeFile(t *testing.T) {
	for _, name := range []string{"one file", "and another beside it"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := put(t, t.TempDir()+"/f", string(contentA), 0o640)
			left := 0
			for range 25 {
				killWriter(t, path)
				checkWhole(t, path)
				left = max(left, len(tree(t, filepath.Dir(path)))-1)
			}
			if left == 0 {
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

// killWriter starts a writer and kills it somewhere in a write.
func killWriter(t *testing.T, path string) {
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
		if line, err := writes.ReadString('\n'); err != nil {
			t.Errorf("the writer says %s %v", line, err)
		}
	}
	// Any part of a write may be the one that is cut short.
	<-time.After(time.Duration(rand.Int64N(int64(min(time.Since(started), 20*time.Millisecond)))))
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	cmd.Wait() // it ends with the signal
}

// rewriteForever is the process that is killed. It says when it begins to write.
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
		if err := host.Do(context.Background(), plan.Rewrite(path, "f", old, text), ignore); err != nil {
			return err
		}
	}
}

// checkSwept checks that the next write takes away what the writers have left that
// were killed, and nothing else.
func checkSwept(t *testing.T, path string) {
	t.Helper()
	dir := filepath.Dir(path)
	for _, name := range []string{"/.f123", "/.f", "/.f12x", "/.g123", "/f123"} {
		put(t, dir+name, "left", 0o644)
	}
	if err := host.Do(t.Context(), rewrite(t, path, "new"), ignore); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"f": "new", ".f": "left", ".f12x": "left", ".g123": "left", "f123": "left"}
	if after := tree(t, dir); !maps.Equal(after, want) {
		t.Errorf("after the write there are %q", slices.Sorted(maps.Keys(after)))
	}
}
