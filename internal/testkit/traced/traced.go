// Package traced runs a program and lists the files, programs and sockets that it and
// its children use, by strace(1).
package traced

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Call is a system call of a program or of one of its children.
type Call struct {
	Program string   // the name of the program that makes it, up to 15 bytes (comm in proc(5))
	Name    string   // such as "openat"
	Paths   []string // absolute; of an open that succeeds, where its links lead
	Write   bool     // whether it may change a file
	Failed  bool
	Text    string // the arguments, as strace prints them
}

// String returns the call as a person reads it.
func (c Call) String() string { return fmt.Sprintf("%s: %s(%s)", c.Program, c.Name, c.Text) }

// reading and changing are the calls that are traced: those that take paths, except
// those that only ask whether a file exists and where a link leads.
var (
	reading  = []string{"open", "openat", "openat2", "execve", "execveat", "connect"}
	changing = []string{
		"bind", "chmod", "chown", "creat", "fchmodat", "fchownat", "lchown", "link", "linkat", "mkdir", "mkdirat", "mknod", "mknodat",
		"rename", "renameat", "renameat2", "rmdir", "symlink", "symlinkat", "truncate", "unlink", "unlinkat", "utimensat",
	}
)

// Run runs a command to its end, and returns the calls in their order. The error is that
// of cmd.Run: a command that fails has calls, too.
func Run(cmd *exec.Cmd) ([]Call, error) {
	log, err := os.CreateTemp("", "traced")
	if err != nil {
		return nil, err
	}
	defer os.Remove(log.Name())
	defer log.Close()
	program, err := exec.LookPath("strace")
	if err != nil {
		return nil, err
	}
	// -y and -Y: the paths of files, and the names of programs.
	options := []string{"strace", "-f", "-y", "-Y", "-qqq", "--seccomp-bpf", "-s", "4096", "-e", "signal=none",
		"-e", "trace=" + strings.Join(slices.Concat(reading, changing), ","), "-o", log.Name(), "--"}
	cmd.Args = slices.Concat(options, []string{cmd.Path}, cmd.Args[1:])
	cmd.Path = program
	errRun := cmd.Run()
	calls, err := parse(log, cmd.Dir)
	if err != nil {
		return nil, err
	}
	if len(calls) == 0 {
		return nil, fmt.Errorf("strace has seen nothing: %w", errRun)
	}
	return calls, errRun
}

// The lines of strace: a call, the begin of one that another call interrupts, the rest of
// that, and a call that a thread did not begin, because its process ended.
var (
	whole   = regexp.MustCompile(`^(\d+)<(.*?)> (\w+)\((.*)\) += (-?\d+|\?)(?:<(.*)>)?(.*)$`)
	begun   = regexp.MustCompile(`^(\d+)<.*?> .*( <unfinished \.\.\.>)$`)
	resumed = regexp.MustCompile(`^(\d+)<.*?> <\.\.\. \w+ resumed>(.*)$`)
	unbegun = regexp.MustCompile(`^\d+<.*?> \?\?\?\(\) += \?$`)
)

// parse reads the lines of strace. dir is the folder where the command starts. Calls in
// which a thread ended with its process count as failed.
func parse(log io.Reader, dir string) ([]Call, error) {
	var calls []Call
	p := parser{dir, map[string]string{}}
	unfinished := map[string]string{}
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		line := lines.Text()
		if m := begun.FindStringSubmatch(line); m != nil {
			unfinished[m[1]] = strings.TrimSuffix(line, m[2])
			continue
		}
		if m := resumed.FindStringSubmatch(line); m != nil {
			line = unfinished[m[1]] + m[2]
			delete(unfinished, m[1])
		}
		if rest, ok := strings.CutSuffix(line, " <detached ...>"); ok { // the process ended before the call
			unfinished[line] = rest
			continue
		}
		if unbegun.MatchString(line) {
			continue
		}
		m := whole.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("strace: cannot parse %q", line)
		}
		calls = append(calls, p.call(m))
	}
	for _, line := range unfinished {
		if m := whole.FindStringSubmatch(line + ") = ?"); m != nil {
			calls = append(calls, p.call(m))
		}
	}
	return calls, lines.Err()
}

// A parser knows the folders of processes, by their ids.
type parser struct {
	start string
	cwd   map[string]string
}

// The arguments of calls: a folder with a path, or a path alone.
var (
	argument = regexp.MustCompile(`(?:(AT_FDCWD|\d+)<((?:[^>\\]|\\.)*)>, )?"((?:[^"\\]|\\.)*)"`)
	writes   = regexp.MustCompile(`O_(WRONLY|RDWR|CREAT|TRUNC|TMPFILE)`)
)

// call returns the call in a match of whole.
func (p parser) call(m []string) Call {
	pid, name, text, result, opened := m[1], m[3], m[4], m[5], m[6]
	c := Call{Program: m[2], Name: name, Text: text, Failed: strings.HasPrefix(result, "-") || result == "?"}
	c.Write = slices.Contains(changing, name) || strings.HasPrefix(name, "open") && writes.MatchString(text)
	args := argument.FindAllStringSubmatch(text, -1)
	switch {
	case strings.HasPrefix(name, "exec"):
		args = args[:min(1, len(args))] // the others are arguments of the program
	case strings.HasPrefix(name, "symlink"):
		args = args[1:] // the first is the text of the link
	}
	for _, a := range args {
		if a[1] == "AT_FDCWD" {
			p.cwd[pid] = a[2]
		}
		c.Paths = append(c.Paths, p.absolute(pid, unquote(a[2]), unquote(a[3])))
	}
	if opened != "" && strings.HasPrefix(name, "open") {
		c.Paths = []string{strings.TrimSuffix(unquote(opened), " (deleted)")}
	}
	return c
}

// absolute returns the absolute path of a path in a folder, or in that of the process.
func (p parser) absolute(pid, folder, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	if folder == "" {
		folder = p.start
		if now, ok := p.cwd[pid]; ok {
			folder = now
		}
	}
	return filepath.Join(folder, path)
}

// unquote returns a string without the escapes of strace, which are those of C.
func unquote(s string) string {
	if text, err := strconv.Unquote(`"` + s + `"`); err == nil {
		return text
	}
	return s
}
