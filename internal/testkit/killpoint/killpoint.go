// Package killpoint kills a program at named points: just before it changes a file,
// and just after it has started another program. A test that lists the points of a
// run, and then kills the program at each of them, has covered every boundary
// between two effects. At the same points, it makes system calls fail instead.
//
// The kernel reports the points (seccomp_unotify(2)), so that the program under test
// has no code for it.
package killpoint

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// limit is the timeout for a program and the processes that it leaves running.
const limit = 2 * time.Minute

// A Run is what happened in a run of a program.
type Run struct {
	Points []string // the points that it has reached; no two have the same name
	Killed bool     // whether it was killed at the last of Points
	Failed bool     // whether a call has failed, as [Fail] wanted
	Output string   // of the program and the processes that it started
	Err    error    // how it ended
}

// Start runs cmd and kills it at a point, or never if the point is "". Names of
// points are "CALL PATH", for changes below dir alone, and "started PROGRAM ARGS…",
// for programs that cmd itself starts; a number follows if the name was there before.
// Start returns when cmd and everything that cmd has left running have ended.
//
// The TestMain of the package must call [Main].
func Start(cmd *exec.Cmd, dir, point string) (Run, error) {
	return start(cmd, &supervisor{dir: dir, at: point, calls: calls}, changesOnly)
}

func start(cmd *exec.Cmd, s *supervisor, mode string) (Run, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return Run{}, err
	}
	defer ours.Close()
	output, err := os.CreateTemp("", "killpoint")
	if err != nil {
		return Run{}, err
	}
	defer os.Remove(output.Name())
	defer output.Close()
	cmd.Args = append([]string{"killpoint", cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/proc/self/exe"
	cmd.Env = append(cmd.Environ(), traceeEnv+"="+mode)
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		return Run{}, err
	}
	theirs.Close()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	s.pid, s.seen, s.children = cmd.Process.Pid, map[string]int{}, map[uint32]bool{}
	errTrace := s.trace(ours)
	if errTrace != nil {
		_ = cmd.Process.Kill()
	}
	s.run.Err = <-ended
	text, err := os.ReadFile(output.Name())
	s.run.Output = string(text)
	return s.run, errors.Join(errTrace, err)
}

func socketPair() (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	return os.NewFile(uintptr(fds[0]), "killpoint"), os.NewFile(uintptr(fds[1]), "killpoint"), nil
}

// A supervisor answers the kernel's questions whether a program, and all programs that
// it has started, may make a system call.
type supervisor struct {
	pid      int // of the program
	dir      string
	at       string // the point to kill at, or to fail at
	fault    *Fault // nil: kill
	calls    []call // that are points
	run      Run
	seen     map[string]int  // how many points have had a name
	children map[uint32]bool // that have been points
	listen   int             // the file descriptor of the kernel's questions
}

// notif is struct seccomp_notif of the kernel.
type notif struct {
	ID    uint64
	PID   uint32 // of the thread
	Flags uint32
	NR    int32
	Arch  uint32
	IP    uint64
	Args  [6]uint64
}

// resp is struct seccomp_notif_resp of the kernel.
type resp struct {
	ID    uint64
	Val   int64
	Error int32
	Flags uint32
}

// trace answers until the last program has ended.
func (s *supervisor) trace(socket *os.File) error {
	var err error
	if s.listen, err = receiveFD(socket); err != nil {
		return err
	}
	defer unix.Close(s.listen)
	late := time.Now().Add(limit)
	for {
		poll := []unix.PollFd{{Fd: int32(s.listen), Events: unix.POLLIN}}
		n, err := unix.Poll(poll, int(max(time.Until(late).Milliseconds(), 0)))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return err
		case n == 0:
			return fmt.Errorf("the program, or what it has left running, has not ended within %v", limit)
		case poll[0].Revents&unix.POLLIN == 0:
			return nil // all have ended
		}
		if err := s.answer(); err != nil {
			return err
		}
	}
}

// answer receives one question and answers it.
func (s *supervisor) answer() error {
	var q notif
	err := ioctl(s.listen, unix.SECCOMP_IOCTL_NOTIF_RECV, &q)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINTR) {
		return nil // the thread has been killed
	}
	if err != nil {
		return err
	}
	point, ours := s.point(q)
	reply := resp{ID: q.ID, Flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
	if point != "" && !s.run.Killed {
		is := s.reach(point)
		if s.fault != nil {
			reply = s.fail(q, point, is)
		} else if is {
			s.run.Killed = true
			if err := unix.Kill(s.pid, unix.SIGKILL); err != nil {
				return err
			}
		}
	}
	if s.run.Killed && ours {
		return nil // the program dies before the call
	}
	err = unix.EINTR
	for errors.Is(err, unix.EINTR) {
		err = ioctl(s.listen, unix.SECCOMP_IOCTL_NOTIF_SEND, &reply)
	}
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

// reach notes that a point is reached, and reports whether it is the one.
func (s *supervisor) reach(name string) bool {
	if s.seen[name]++; s.seen[name] > 1 {
		name = fmt.Sprintf("%s (%d)", name, s.seen[name])
	}
	s.run.Points = append(s.run.Points, name)
	return name == s.at
}

// point returns the name of a system call's point, if it is one. ours is whether the
// program itself makes the call.
func (s *supervisor) point(q notif) (name string, ours bool) {
	_, err := os.Stat(fmt.Sprintf("/proc/%d/task/%d", s.pid, q.PID))
	ours = err == nil
	if q.NR == unix.SYS_EXECVE {
		if ours || s.children[q.PID] || parentOf(q.PID) != s.pid {
			return "", ours
		}
		s.children[q.PID] = true // a shell searches for programs by calling again
		return "started " + strings.Join(s.strings(q.PID, q.Args[1], 16), " "), false
	}
	if !ours {
		return "", false
	}
	for _, c := range s.calls {
		if int32(c.nr) != q.NR {
			continue
		}
		path := s.path(q, c)
		if c.nr == unix.SYS_CLOSE && !s.isWritten(q) {
			continue
		}
		if path == s.dir || strings.HasPrefix(path, s.dir+"/") {
			return c.name + " " + unique.ReplaceAllString(path, "$1…"), true
		}
	}
	return "", true
}

// unique matches the parts of paths that differ from run to run: files without a name,
// and drafts.
var unique = regexp.MustCompile(`(/#|/\.bkt-tmp-)[0-9a-zA-Z]+( \(deleted\))?`)

// path returns the path that a call changes.
func (s *supervisor) path(q notif, c call) string {
	path := ""
	if c.path > 0 {
		path = s.string(q.PID, q.Args[c.path])
	}
	if filepath.IsAbs(path) {
		return path
	}
	file := fmt.Sprintf("/proc/%d/fd/%d", q.PID, int32(q.Args[c.fd]))
	if int32(q.Args[c.fd]) == unix.AT_FDCWD {
		file = fmt.Sprintf("/proc/%d/cwd", q.PID)
	}
	start, _ := os.Readlink(file)
	return filepath.Join(start, path)
}

// string returns the string at an address of a thread.
func (s *supervisor) string(pid uint32, address uint64) string {
	text, _, _ := bytes.Cut(memory(pid, address, unix.PathMax), []byte{0})
	return string(text)
}

// strings returns the first of the strings of the list at an address of a thread.
func (s *supervisor) strings(pid uint32, address uint64, most int) []string {
	var all []string
	for pointers := memory(pid, address, most*8); len(pointers) >= 8; pointers = pointers[8:] {
		p := binary.NativeEndian.Uint64(pointers)
		if p == 0 {
			break
		}
		all = append(all, s.string(pid, p))
	}
	return all
}

// memory returns up to n bytes at an address of a thread.
func memory(pid uint32, address uint64, n int) []byte {
	f, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return nil
	}
	defer f.Close()
	text := make([]byte, n)
	got, _ := f.ReadAt(text, int64(address)) // less, where no memory follows
	return text[:got]
}

// parentOf returns the parent of a process.
func parentOf(pid uint32) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(text), ") ")
	var state string
	var parent int
	_, _ = fmt.Sscan(rest, &state, &parent)
	return parent
}

func receiveFD(socket *os.File) (int, error) {
	control := make([]byte, unix.CmsgSpace(4))
	if err := unix.SetsockoptTimeval(int(socket.Fd()), unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: int64(limit.Seconds())}); err != nil {
		return 0, err
	}
	n, err := 0, error(unix.EINTR)
	for errors.Is(err, unix.EINTR) {
		_, n, _, _, err = unix.Recvmsg(int(socket.Fd()), make([]byte, 1), control, unix.MSG_CMSG_CLOEXEC)
	}
	if err != nil {
		return 0, fmt.Errorf("the program has not begun: %w", err)
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil {
		return 0, err
	}
	if len(messages) != 1 {
		return 0, errors.New("the program has not sent a file")
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return 0, err
	}
	return fds[0], nil
}

// traceeEnv makes the test binary become the program in its arguments.
const traceeEnv = "BKT_TEST_KILLPOINT"

// The values of traceeEnv: what are points.
const (
	changesOnly = "changes"
	allCalls    = "all"
)

func callsOf(mode string) []call {
	if mode == allCalls {
		return slices.Concat(calls, onlyFails)
	}
	return calls
}

// Main must be called first by the TestMain of a package that calls [Start].
func Main() {
	mode := os.Getenv(traceeEnv)
	if mode == "" {
		return
	}
	os.Unsetenv(traceeEnv)
	err := become(callsOf(mode), os.Args[1:])
	fmt.Fprintln(os.Stderr, "killpoint:", err)
	os.Exit(1)
}

// become makes the kernel report this thread's calls to the process at the other end
// of file 3, and turns this process into the program.
func become(points []call, argv []string) error {
	unix.CloseOnExec(3)
	listener, err := filterCalls(points)
	if err != nil {
		return err
	}
	unix.CloseOnExec(listener)
	if err := unix.Sendmsg(3, []byte{0}, unix.UnixRights(listener), nil, 0); err != nil {
		return err
	}
	return syscall.Exec(argv[0], argv, os.Environ())
}
