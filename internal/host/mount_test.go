package host_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"bkt/internal/host"
	"bkt/internal/plan"
	"bkt/internal/testkit"

	"golang.org/x/sys/unix"
)

// TestDoReportsFilesThatCannotBeReplaced has a file that is a mount point, like files that a
// container mounts. The error names the file, not the temporary one, which is removed.
func TestDoReportsFilesThatCannotBeReplaced(t *testing.T) {
	dir := t.TempDir()
	path := put(t, dir+"/f", "old", 0o644)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=mounted:"+path)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
	}
	out, err := cmd.Output()
	if _, ok := errors.AsType[*exec.ExitError](err); !ok || strings.HasPrefix(string(out), "mount") {
		testkit.Missing(t, fmt.Sprintf("cannot mount here: %v %s", err, out))
	}
	if string(out) != "f: device or resource busy" {
		t.Errorf("error %s", out)
	}
	want(t, dir, map[string]string{"f": "old"})
}

// writeMounted writes a file that is mounted onto itself.
func writeMounted(path string) error {
	if err := unix.Mount(path, path, "", unix.MS_BIND, ""); err != nil {
		return os.NewSyscallError("mount", err)
	}
	return host.Executor{}.Execute(context.Background(), plan.Rewrite(path, "f", []byte("old"), []byte("new")), ignore)
}
