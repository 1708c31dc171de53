package testkit

import (
	"errors"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// StartTied starts a program that the kernel kills when this process ends, even if that is
// killed itself: nothing is left that holds ports and locks. What the program starts is not
// killed.
//
// The kernel does so when the thread ends that has started the program (PR_SET_PDEATHSIG in
// prctl(2)), so the thread is kept until the program ends.
func StartTied(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		for err == nil { // until the program has ended; its caller waits for it, too
			if err = unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err == nil || !errors.Is(err, unix.EINTR) {
				return
			}
			err = nil
		}
	}()
	return <-started
}
