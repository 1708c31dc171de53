// Package netns makes network namespaces for build steps. A namespace reaches nothing
// until [Namespace.SetPorts] forwards ports of this machine to it, or [Connect] connects
// it with other machines.
//
// The caller needs CAP_SYS_ADMIN in its user namespace, and a mount namespace of its
// own, in which the namespaces are mounted: they end with it.
package netns

import (
	"fmt"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// A Namespace is a network namespace with a loopback interface.
type Namespace struct {
	// File is where it is mounted.
	File string

	mu       sync.Mutex
	forwards map[int]*forward // by port
}

// New makes a network namespace and mounts it on file, which it creates.
func New(file string) (*Namespace, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_RDONLY, 0o600)
	if err != nil {
		return nil, err
	}
	f.Close()
	err = onOwnThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return os.NewSyscallError("unshare", err)
		}
		if err := raiseLoopback(); err != nil {
			return err
		}
		return os.NewSyscallError("mount", unix.Mount("/proc/thread-self/ns/net", file, "", unix.MS_BIND, ""))
	})
	if err != nil {
		_ = os.Remove(file)
		return nil, fmt.Errorf("network namespace: %w", err)
	}
	return &Namespace{File: file, forwards: map[int]*forward{}}, nil
}

// Close ends the forwarding and unmounts the namespace, which lives as long as a process
// in it.
func (n *Namespace) Close() error {
	if err := n.SetPorts(nil); err != nil {
		return err
	}
	if err := unix.Unmount(n.File, unix.MNT_DETACH); err != nil {
		return &os.PathError{Op: "umount", Path: n.File, Err: err}
	}
	return os.Remove(n.File)
}

// inside runs f on a thread in the namespace.
func (n *Namespace) inside(f func() error) error {
	return onOwnThread(func() error {
		fd, err := unix.Open(n.File, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return &os.PathError{Op: "open", Path: n.File, Err: err}
		}
		defer unix.Close(fd)
		if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
			return os.NewSyscallError("setns", err)
		}
		return f()
	})
}

// onOwnThread runs f on a thread that ends afterwards. f may change the thread's
// namespace: Go starts no other thread from a locked one.
func onOwnThread(f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // without an unlock, the thread ends with the goroutine
		result <- f()
	}()
	return <-result
}

// raiseLoopback brings up the loopback interface of the thread's namespace.
func raiseLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return os.NewSyscallError("SIOCSIFFLAGS", unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo))
}
