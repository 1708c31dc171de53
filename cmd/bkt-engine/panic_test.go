package main

import (
	"os"
	"strings"
	"testing"
)

// TestPanicIsAnError checks that the program exits with status 1 after a panic, and
// prints it.
func TestPanicIsAnError(t *testing.T) {
	for _, args := range [][]string{{"--version"}, {"credentials", "localhost:1"}} {
		var stderr strings.Builder
		if status := run(args, broken{}, &stderr); status != 1 {
			t.Errorf("%q: status %d, want 1", args, status)
		}
		for _, want := range []string{"error: internal error: broken; this is a bug in bkt ", "hint: report it with the command that you ran"} {
			if !strings.Contains(stderr.String(), want) {
				t.Errorf("%q: %q is not in\n%s", args, want, stderr.String())
			}
		}
	}
}

// TestOutputErrors checks that the program exits with status 1 if it cannot print what
// it was asked for.
func TestOutputErrors(t *testing.T) {
	for _, args := range [][]string{{"--version"}, {"--help"}, {"check"}} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		var stderr strings.Builder
		if status := run(args, full, &stderr); status != 1 || !strings.Contains(stderr.String(), "no space left on device") {
			t.Errorf("%q: status %d\n%s", args, status, stderr.String())
		}
		full.Close()
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { panic("broken") }
