package killpoint

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A Fault is how system calls of a program fail.
type Fault struct {
	Name    string
	errno   unix.Errno // 0: a write is short
	calls   []string   // that may fail in this way; nil: all
	forever bool       // whether all further calls fail, too, as on a full disk
}

// Faults are the ways in which system calls fail.
func Faults() []Fault {
	grow := []string{"create", "write", "truncate", "rename", "link", "symlink", "mkdir"}
	change := append(slices.Clone(grow), "chmod", "chown", "remove", "set times")
	return []Fault{
		{Name: "EIO", errno: unix.EIO},
		{Name: "ENOSPC", errno: unix.ENOSPC, calls: grow, forever: true},
		{Name: "EROFS", errno: unix.EROFS, calls: change, forever: true},
		{Name: "EINTR", errno: unix.EINTR, calls: append(slices.Clone(change), "sync")},
		{Name: "short write", calls: []string{"write"}},
	}
}

// Harmless reports whether the program must succeed in spite of the fault.
func (f Fault) Harmless() bool { return f.errno == 0 || f.errno == unix.EINTR }

// Hits reports whether the call at a point may fail in this way.
func (f Fault) Hits(point string) bool {
	call, path, _ := strings.Cut(point, " ")
	if call == "set" {
		call = "set times"
	}
	return call != "started" && path != "" && (f.calls == nil || slices.Contains(f.calls, call))
}

// Fail runs cmd as [Start] does, and makes the call at a point fail instead of killing it.
// With all, there are more points: files that were written are closed, and file systems
// synced. That takes longer, because the kernel reports everything that is closed.
func Fail(cmd *exec.Cmd, dir, point string, f Fault, all bool) (Run, error) {
	mode := changesOnly
	if all {
		mode = allCalls
	}
	return start(cmd, &supervisor{dir: dir, at: point, fault: &f, calls: callsOf(mode)}, mode)
}

// fail returns the answer to a call at a point. isIt is whether that is the point to fail at.
func (s *supervisor) fail(q notif, point string, isIt bool) resp {
	run := resp{ID: q.ID, Flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
	if !isIt && !(s.fault.forever && s.run.Failed) || !s.fault.Hits(point) {
		return run
	}
	if s.fault.errno != 0 {
		s.run.Failed = true
		return resp{ID: q.ID, Error: -int32(s.fault.errno)}
	}
	n, err := s.writeHalf(q)
	if err != nil || n == 0 {
		return run // a write of one byte cannot be short
	}
	s.run.Failed = true
	return resp{ID: q.ID, Val: int64(n)}
}

// writeHalf writes the first half of what a thread wants to write, in its place.
func (s *supervisor) writeHalf(q notif) (int, error) {
	if q.NR != unix.SYS_WRITE {
		return 0, fmt.Errorf("the call %d has no short variant", q.NR)
	}
	process, err := unix.PidfdOpen(s.pid, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(process)
	file, err := unix.PidfdGetfd(process, int(q.Args[0]), 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(file)
	return unix.Write(file, memory(q.PID, q.Args[1], int(q.Args[2])/2))
}

// isWritten reports whether a call is about a file that is open for writing.
func (s *supervisor) isWritten(q notif) bool {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", q.PID, int32(q.Args[0])))
	_, flags, _ := strings.Cut(string(text), "flags:")
	var mode int
	_, err := fmt.Sscanf(flags, "%o", &mode)
	return err == nil && mode&unix.O_ACCMODE != unix.O_RDONLY
}
