package testkit_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"bkt/internal/testkit"
)

// TestStartTied checks that a program lives on after the thread that has asked for it, and
// ends with the process.
func TestStartTied(t *testing.T) {
	if os.Getenv("BKT_TEST_TIED") != "" {
		startAndWait(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestStartTied$")
	cmd.Env = append(os.Environ(), "BKT_TEST_TIED=1")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	output := bufio.NewReader(out)
	line, err := output.ReadString('\n')
	if _, errLives := os.Stat(filepath.Join("/proc", strings.TrimSpace(line))); err != nil || errLives != nil {
		t.Fatalf("the program does not run: %q, %v, %v", line, err, errLives)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, output); err != nil { // which ends with the program
		t.Error(err)
	}
	_ = cmd.Wait()
}

// startAndWait starts a program from a thread that ends, and waits to be killed.
func startAndWait(t *testing.T) {
	cmd := exec.Command("sleep", "1000")
	cmd.Stdout = os.Stdout
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // which ends the thread with this function
		done <- testkit.StartTied(cmd)
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for range 20 {
		runtime.GC() // the thread ends
	}
	fmt.Println(cmd.Process.Pid)
	select {}
}
