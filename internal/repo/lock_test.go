package repo_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"bkt/internal/repo"
)

// holderEnv makes the test binary a process that holds the lock of the repository in it
// until it is killed.
const holderEnv = "BKT_TEST_HOLD_LOCK"

func TestMain(m *testing.M) {
	if root := os.Getenv(holderEnv); root != "" {
		os.Exit(hold(root))
	}
	os.Exit(m.Run())
}

func hold(root string) int {
	_, err := repo.Repo{Root: root}.Lock(context.Background(), func() {})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("locked")
	io.Copy(io.Discard, os.Stdin) // never ends
	return 0
}

func mustLock(t *testing.T, r repo.Repo) *os.File {
	t.Helper()
	lock, err := r.Lock(context.Background(), func() { t.Error("it waits without another lock") })
	if err != nil {
		t.Fatal(err)
	}
	return lock
}

// A waiter is a call of Lock that has to wait.
type waiter struct {
	waiting chan struct{} // closed when it begins to wait
	result  chan error
}

// wait locks r in the background, and unlocks it again. got is called in between.
func wait(r repo.Repo, got func()) waiter {
	w := waiter{make(chan struct{}), make(chan error, 1)}
	go func() {
		lock, err := r.Lock(context.Background(), func() { close(w.waiting) })
		if err == nil {
			got()
			err = lock.Close()
		}
		w.result <- err
	}()
	return w
}

func TestLockWaitsForTheFirstToFinish(t *testing.T) {
	r := repo.Repo{Root: populate(t, "manifests/")}
	lock := mustLock(t, r)
	var finished atomic.Bool
	second := wait(r, func() {
		if !finished.Load() {
			t.Error("two have the lock")
		}
	})
	select {
	case <-second.waiting:
	case err := <-second.result:
		t.Fatalf("did not wait: %v", err)
	}
	finished.Store(true)
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-second.result; err != nil {
		t.Error(err)
	}
	mustLock(t, r).Close()
}

// TestLockKeepsOthersOut has many goroutines increment a number in a file, which is wrong
// unless each waits for the others.
func TestLockKeepsOthersOut(t *testing.T) {
	r := repo.Repo{Root: populate(t, "manifests/")}
	const goroutines, times = 8, 50
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for range times {
				if err := countUp(r); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := readCount(r); got != goroutines*times {
		t.Errorf("counted %d, not %d", got, goroutines*times)
	}
}

func countUp(r repo.Repo) error {
	lock, err := r.Lock(context.Background(), func() {})
	if err != nil {
		return err
	}
	defer lock.Close()
	return os.WriteFile(r.Path("count"), []byte(strconv.Itoa(readCount(r)+1)), 0o644)
}

// readCount returns the count, 0 if the file does not exist.
func readCount(r repo.Repo) int {
	text, _ := os.ReadFile(r.Path("count"))
	n, _ := strconv.Atoi(string(text))
	return n
}

func TestKilledHolderLeavesNoLock(t *testing.T) {
	r := repo.Repo{Root: populate(t, "manifests/")}
	holder := startHolder(t, r)
	next := wait(r, func() {})
	select {
	case <-next.waiting:
	case err := <-next.result:
		t.Fatalf("did not wait: %v", err)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	holder.Wait() // it ends with the signal
	if err := <-next.result; err != nil {
		t.Error(err)
	}
	mustLock(t, r).Close()
	if left, err := os.ReadDir(r.Path("manifests")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// startHolder returns a process that has the lock.
func startHolder(t *testing.T, r repo.Repo) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holderEnv+"="+r.Root)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "locked\n" {
		t.Fatalf("the holder says %s %v", line, err)
	}
	return cmd
}

// TestLockIsNotInherited has a program that still runs after the lock was released, such as
// an engine that a command has started.
func TestLockIsNotInherited(t *testing.T) {
	r := repo.Repo{Root: populate(t, "manifests/")}
	lock := mustLock(t, r)
	startHolder(t, repo.Repo{Root: populate(t, "manifests/")})
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	mustLock(t, r).Close()
}

func TestLockOfNoRepository(t *testing.T) {
	dir := t.TempDir()
	_, err := repo.Repo{Root: dir}.Lock(context.Background(), func() {})
	if err == nil || err.Error() != "locking "+dir+"/manifests: no such file or directory" {
		t.Errorf("error %v", err)
	}
}

func TestWaitingForALockCanBeEnded(t *testing.T) {
	r := repo.Repo{Root: t.TempDir()}
	if err := os.Mkdir(r.Path("manifests"), 0o755); err != nil {
		t.Fatal(err)
	}
	lock := mustLock(t, r)
	defer lock.Close()
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := r.Lock(ctx, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}
