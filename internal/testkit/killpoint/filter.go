package killpoint

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A call is a system call that changes files.
type call struct {
	name string
	nr   uint32
	fd   int // the argument that is the file, or the folder that the path starts from
	path int // the argument that is the path; 0: it has none
}

// calls are the system calls by which Go programs change files.
var calls = []call{
	{"create", unix.SYS_OPENAT, 0, 1},
	{"write", unix.SYS_WRITE, 0, 0},
	{"write", unix.SYS_PWRITE64, 0, 0},
	{"write", unix.SYS_COPY_FILE_RANGE, 2, 0},
	{"write", unix.SYS_SENDFILE, 0, 0},
	{"truncate", unix.SYS_FTRUNCATE, 0, 0},
	{"sync", unix.SYS_FSYNC, 0, 0},
	{"chmod", unix.SYS_FCHMOD, 0, 0},
	{"chmod", unix.SYS_FCHMODAT, 0, 1},
	{"chown", unix.SYS_FCHOWN, 0, 0},
	{"chown", unix.SYS_FCHOWNAT, 0, 1},
	{"rename", unix.SYS_RENAMEAT, 2, 3},
	{"rename", unix.SYS_RENAMEAT2, 2, 3},
	{"link", unix.SYS_LINKAT, 2, 3},
	{"symlink", unix.SYS_SYMLINKAT, 1, 2},
	{"remove", unix.SYS_UNLINKAT, 0, 1},
	{"mkdir", unix.SYS_MKDIRAT, 0, 1},
	{"set times", unix.SYS_UTIMENSAT, 0, 1},
}

// onlyFails are further system calls that a [Fault] may hit.
var onlyFails = []call{
	{"close", unix.SYS_CLOSE, 0, 0},
	{"sync", unix.SYS_SYNCFS, 0, 0},
}

const (
	nrOffset  = 0        // of the call's number in struct seccomp_data
	argOffset = 16       // of the first argument; each takes 8 bytes
	tmpFile   = 0x400000 // the bit of unix.O_TMPFILE that unix.O_DIRECTORY lacks
)

// filterCalls makes the kernel ask about the calls of this thread and its children,
// and returns the file to read the questions from. The goroutine stays on the thread.
func filterCalls(calls []call) (int, error) {
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, err
	}
	filter := filter(calls)
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return 0, errno
	}
	return int(fd), nil
}

// filter returns the program by which the kernel finds the calls to ask about.
func filter(calls []call) []unix.SockFilter {
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	unless := func(k uint32, skip uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: k, Jf: skip}
	}
	ret := func(k uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k} }
	ask, allow := ret(unix.SECCOMP_RET_USER_NOTIF), ret(unix.SECCOMP_RET_ALLOW)

	var all []unix.SockFilter
	for _, c := range calls {
		if c.nr == unix.SYS_OPENAT {
			continue
		}
		all = append(all, load(nrOffset), unless(c.nr, 1), ask)
	}
	return append(all,
		load(nrOffset), unless(unix.SYS_EXECVE, 1), ask,
		// An open counts if it may create or empty a file.
		load(nrOffset), unless(unix.SYS_OPENAT, 3), load(argOffset+2*8),
		unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: unix.O_CREAT | unix.O_TRUNC | tmpFile, Jf: 1}, ask, allow)
}

// ioctl makes a call about the kernel's questions.
func ioctl[T any](fd int, request uint, arg *T) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(unsafe.Pointer(arg))); errno != 0 {
		return errno
	}
	return nil
}
