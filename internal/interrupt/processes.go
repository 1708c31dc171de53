package interrupt

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Signal sends a signal to a process, and to all processes below it in its session: a shell
// does not pass signals on to the programs that it runs. What has a session of its own, such
// as an engine or the monitor of a container, is meant to live on.
func Signal(pid int, s syscall.Signal) error {
	for _, child := range below(pid) {
		_ = unix.Kill(child, s) // it may have ended, or belong to root
	}
	return unix.Kill(pid, s)
}

// killAll kills all processes below pid in its session. Those that start while it does that
// are found by the next of a few rounds.
func killAll(pid int) {
	for range 5 {
		children := below(pid)
		if len(children) == 0 {
			return
		}
		for _, child := range children {
			_ = unix.Kill(child, unix.SIGKILL)
		}
	}
}

// Progress returns the processor time of the process pid and the processes below it in its
// session, and whether one of them runs or waits for a disk. A process that has ended counts
// no more.
func Progress(pid int) (used time.Duration, runs bool) {
	for _, id := range append(below(pid), pid) {
		p, _ := readStat(filepath.Join("/proc", strconv.Itoa(id), "stat"))
		used += p.used
		runs = runs || p.state == "R" || p.state == "D"
	}
	return used, runs
}

// A process is what /proc/PID/stat says of one; see proc_pid_stat(5).
type process struct {
	pid, parent, session int
	state                string
	used                 time.Duration // the processor time
}

func (p process) ended() bool { return p.state == "Z" || p.state == "X" }

// clockTick is the unit of times in /proc: USER_HZ is 100 on all of Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// below returns the running processes below pid that belong to its session, parents first.
func below(pid int) []int {
	children := map[int][]process{}
	session := -1
	names, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range names {
		p, ok := readStat(name)
		if !ok {
			continue
		}
		children[p.parent] = append(children[p.parent], p)
		if p.pid == pid {
			session = p.session
		}
	}
	var all []int
	for next := []int{pid}; len(next) > 0; next = next[1:] {
		for _, p := range children[next[0]] {
			next = append(next, p.pid)
			if p.session == session && !p.ended() {
				all = append(all, p.pid)
			}
		}
	}
	return all
}

// readStat reads a file of the kernel, which has one line. The name of the program, in
// parentheses, may have blanks and parentheses, too.
func readStat(name string) (p process, ok bool) {
	text, err := os.ReadFile(name)
	if err != nil {
		return p, false // it has ended
	}
	i := bytes.LastIndexByte(text, ')')
	fields := bytes.Fields(text[i+1:])
	if i < 0 || len(fields) < 13 {
		return p, false
	}
	number := func(b []byte) int { n, _ := strconv.Atoi(string(b)); return n }
	pid := number([]byte(filepath.Base(filepath.Dir(name))))
	used := time.Duration(number(fields[11])+number(fields[12])) * clockTick
	return process{pid, number(fields[1]), number(fields[3]), string(fields[0]), used}, pid != 0
}
