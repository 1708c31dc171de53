package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"bkt/internal/interrupt"
	"bkt/internal/plan"
)

// maxStall is how long git may do nothing when it answers from files. It waits for ever if one
// of them, such as .git/HEAD or a .gitignore, is a pipe.
const maxStall = 8 * time.Second

// runnerOf returns what runs a command: git may not stall, unless it asks a server.
func runnerOf(r plan.Run) runner {
	if !isGit(r) || slices.Contains(r.Argv, "ls-remote") {
		return run
	}
	return stallLimit(maxStall).run
}

// A stallLimit is how long a command may do nothing: use no processor, and wait for no disk.
type stallLimit time.Duration

// run runs a command that has no network, and kills it if it stalls.
func (l stallLimit) run(ctx context.Context, cmd *exec.Cmd, stderr *bytes.Buffer) error {
	err := cmd.Start()
	if err != nil {
		return ended(ctx, cmd, stderr, err)
	}
	watched, stop := context.WithCancel(ctx)
	stalled := make(chan bool, 1)
	go func() { stalled <- l.watch(watched, cmd.Process.Pid) }()
	err = cmd.Wait()
	stop()
	if <-stalled && ctx.Err() == nil {
		return stallError(cmd)
	}
	return ended(ctx, cmd, stderr, err)
}

// watch kills the process pid if it stalls before ctx ends, and reports whether it did.
func (l stallLimit) watch(ctx context.Context, pid int) bool {
	const looks = 8 // in the limit
	tick := time.NewTicker(time.Duration(l) / looks)
	defer tick.Stop()
	last, idle := time.Duration(-1), 0
	for idle < looks {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
		used, runs := interrupt.Progress(pid)
		if idle++; used != last || runs {
			last, idle = used, 0
		}
	}
	_ = interrupt.Signal(pid, syscall.SIGKILL)
	return true
}

// stallError returns the error of a command that stalled in a folder, with a file that is to
// blame if there is one.
func stallError(cmd *exec.Cmd) error {
	if name := findSpecial(cmd.Dir); name != "" {
		return fmt.Errorf("%s waits for %s, which is neither a file nor a folder", filepath.Base(cmd.Path), name)
	}
	return fmt.Errorf("%s has done nothing for a while: it may be waiting for a file that is neither a file nor a folder, or for a file system that does not answer", filepath.Base(cmd.Path))
}

// findSpecial returns the path of a pipe, a socket or a device below dir, or "".
func findSpecial(dir string) (found string) {
	errFound := errors.New("found")
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type()&(fs.ModeNamedPipe|fs.ModeSocket|fs.ModeDevice) != 0 {
			found = path
			return errFound
		}
		return nil
	})
	return found
}
