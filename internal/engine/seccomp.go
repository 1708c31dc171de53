package engine

import (
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// syncing are the system calls that wait until something is on the disk.
var syncing = []uint32{
	unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_MSYNC,
	unix.SYS_SYNC, unix.SYS_SYNCFS, unix.SYS_SYNC_FILE_RANGE,
}

// machines are what the kernel calls the architectures that Go names.
var machines = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// stopSyncing makes these calls of this process, and of all that it starts,
// succeed at once, as "systemd-nspawn --suppress-sync=yes" does.
func stopSyncing() error {
	machine, ok := machines[runtime.GOARCH]
	if !ok {
		return unix.ENOSYS
	}
	filter := skip(syncing, machine)
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP,
		unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return os.NewSyscallError("seccomp", errno)
	}
	return nil
}

// skip returns a filter for the kernel, by which some system calls of programs
// for a machine are not made, and no error.
func skip(calls []uint32, machine uint32) []unix.SockFilter {
	const (
		load   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equals = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		give   = unix.BPF_RET | unix.BPF_K

		number, arch = 0, 4 // where they are in what a filter is shown of a call
	)
	n := uint8(len(calls))
	f := []unix.SockFilter{
		{Code: load, K: arch},
		{Code: equals, K: machine, Jf: n + 1}, // to the last but one
		{Code: load, K: number},
	}
	for i, call := range calls {
		f = append(f, unix.SockFilter{Code: equals, K: call, Jt: n - uint8(i)}) // to the last
	}
	return append(f,
		unix.SockFilter{Code: give, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: give, K: unix.SECCOMP_RET_ERRNO}) // of number 0, which is none
}
