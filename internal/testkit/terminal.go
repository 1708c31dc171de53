package testkit

import (
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// typing is the script command "typing STATUS TEXT KEYS [then TEXT KEYS]… PROGRAM
// ARGS…": it runs a program on a terminal and types the keys as soon as the program has
// printed the text. The program must leave the terminal as it was. Keys are written like
// strings of Go. Keys that begin with "$ " are a command to run at that moment instead; the
// key SIGTERM is the signal.
func typing(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: typing STATUS TEXT KEYS [then TEXT KEYS]… PROGRAM ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	var answers []reply
	for args[0] = "then"; args[0] == "then"; args = args[3:] {
		keys, err := strconv.Unquote(`"` + args[2] + `"`)
		ts.Check(err)
		answers = append(answers, reply{args[1], keys})
	}
	path, err := exec.LookPath(args[0])
	ts.Check(err)
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "FLATPAK_SYSTEM_DIR", "CALLS"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	cmd.Env = append(cmd.Env, "TERM=xterm")
	terminal, theirs, err := pty.Open()
	ts.Check(err)
	defer terminal.Close()
	ts.Check(pty.Setsize(terminal, &pty.Winsize{Rows: 40, Cols: 120}))
	before := modesOf(ts, terminal)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err = cmd.Start()
	theirs.Close()
	ts.Check(err)
	// A program that waits for other keys would wait for ever.
	defer time.AfterFunc(5*time.Minute, func() { _ = cmd.Process.Kill() }).Stop()
	var printed strings.Builder
	for buffer := make([]byte, 4096); ; {
		n, err := terminal.Read(buffer)
		printed.Write(buffer[:n])
		for ran := true; ran && len(answers) > 0 && strings.Contains(printed.String(), answers[0].to); answers = answers[1:] {
			ran = answers[0].give(ts, terminal, cmd.Process)
		}
		if err != nil { // the program has ended
			break
		}
	}
	ts.Logf("%s", printed.String())
	_ = cmd.Wait()
	if after := modesOf(ts, terminal); after != before {
		ts.Fatalf("the terminal is left in another state: %+v, not %+v", after, before)
	}
	if got := cmd.ProcessState.ExitCode(); got != want || len(answers) > 0 {
		ts.Fatalf("exit status %d, not %d; not asked: %q", got, want, answers)
	}
}

// modesOf returns the state of a terminal, such as whether it shows what is typed.
func modesOf(ts *testscript.TestScript, terminal *os.File) unix.Termios {
	raw, err := terminal.SyscallConn()
	ts.Check(err)
	var modes *unix.Termios
	var errModes error
	ts.Check(raw.Control(func(fd uintptr) { modes, errModes = unix.IoctlGetTermios(int(fd), unix.TCGETS) }))
	ts.Check(errModes)
	return *modes
}

// A reply is what to type once the program has printed a text.
type reply struct{ to, keys string }

// give types the keys, sends the signal, or runs the command. It reports whether it ran a
// command, which makes the program print nothing.
func (r reply) give(ts *testscript.TestScript, terminal io.StringWriter, program *os.Process) (ran bool) {
	if command, ok := strings.CutPrefix(r.keys, "$ "); ok {
		ts.Check(ts.Exec("sh", "-c", command))
		return true
	}
	if r.keys == "SIGTERM" {
		ts.Check(program.Signal(syscall.SIGTERM))
		return false
	}
	_, err := terminal.WriteString(r.keys)
	ts.Check(err)
	return false
}
