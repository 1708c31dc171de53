package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bkt/internal/testkit"
)

// hang is after how long a test fails that would wait for ever.
const hang = 2 * time.Minute

// stubborn is a program that ignores signals, and so does the one that it runs. It creates
// the file in $STARTED when both run.
const stubborn = `#!/bin/sh
trap '' TERM INT
sleep 1000 &
echo $$ $! >"$STARTED.new"
mv "$STARTED.new" "$STARTED"
wait
sleep 1000
`

// TestSignals checks that a signal ends a command that waits for another program, however
// stubborn, and that this program ends with it.
func TestSignals(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "git")
	for _, tt := range []struct {
		signal syscall.Signal
		args   []string
	}{
		{syscall.SIGTERM, []string{"status"}},
		{syscall.SIGINT, []string{"status"}},
		{syscall.SIGTERM, []string{"drift", "distrobox"}},
		{syscall.SIGTERM, []string{"auto-capture", "run", "--settle=0s"}},
	} {
		t.Run(fmt.Sprint(tt.signal, tt.args), func(t *testing.T) {
			t.Parallel()
			v := newVictim(t)
			started := filepath.Join(t.TempDir(), "started")
			slow := filepath.Join(t.TempDir(), "bin")
			for _, name := range []string{"git", "distrobox", "podman"} {
				v.write(filepath.Join(slow, name), stubborn)
				if err := os.Chmod(filepath.Join(slow, name), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			v.override(1)
			cmd := v.command(tt.args...)
			cmd.Env = append(cmd.Environ(), "STARTED="+started, "PATH="+slow+":"+os.Getenv("PATH"))
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			pids := await(t, started, ended)
			if err := cmd.Process.Signal(tt.signal); err != nil {
				t.Fatal(err)
			}
			select {
			case <-ended:
			case <-time.After(hang):
				_ = cmd.Process.Kill()
				t.Fatal("it does not end")
			}
			if status := cmd.ProcessState.ExitCode(); status != 1 || !strings.Contains(stderr.String(), "bkt: error: interrupted\n") {
				t.Errorf("status %d\n%s", status, stderr.String())
			}
			for _, pid := range strings.Fields(pids) {
				if state, err := os.ReadFile("/proc/" + pid + "/stat"); err == nil && !strings.Contains(string(state), ") Z ") {
					t.Errorf("still there: %s", state)
				}
			}
		})
	}
}

// await waits for a file, and returns its text.
func await(t *testing.T, name string, ended <-chan error) string {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(hang)
	for {
		text, err := os.ReadFile(name)
		if err == nil {
			return string(text)
		}
		select {
		case <-tick.C:
		case err := <-ended:
			t.Fatalf("it has ended: %v", err)
		case <-late:
			t.Fatal("it does not start its program")
		}
	}
}
