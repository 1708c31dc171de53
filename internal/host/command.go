package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"bkt/internal/hint"
	"bkt/internal/interrupt"
	"bkt/internal/plan"
)

// killGrace is how long a command may take to end after SIGTERM: less than bkt itself.
const killGrace = 700 * time.Millisecond

// An ExitError is the error of a command that ran and failed.
type ExitError struct {
	Program string
	Status  int
	Stderr  string // its standard error, unless that went elsewhere
}

func (e *ExitError) Error() string {
	text := fmt.Sprintf("%s: exit status %d", e.Program, e.Status)
	if e.Stderr != "" {
		text += ": " + e.Stderr
	}
	return text
}

// A Query answers questions about this machine. It runs only the commands in a closed list,
// so that code with only a Query cannot change anything.
type Query struct{}

// Output runs a command that changes nothing and returns its standard output. A
// command that fails is an [ExitError]. The output is in English, because it is parsed.
func (Query) Output(ctx context.Context, r plan.Run) ([]byte, error) {
	if err := checkQuestion(r.Argv); err != nil {
		return nil, err
	}
	output := func(ctx context.Context, r plan.Run) ([]byte, error) {
		out, _, err := outputsBy(ctx, r, runnerOf(r))
		return out, err
	}
	if isGit(r) {
		return askGit(ctx, r, output)
	}
	r.Env = append([]string{noLocks}, r.Env...)
	return output(ctx, r)
}

// Output runs one command that may change something, outside of a plan, and returns
// its standard output: for commands whose output decides what follows. Errors are
// those of [Query.Output].
func (Executor) Output(ctx context.Context, r plan.Run) ([]byte, error) {
	out, _, err := outputs(ctx, r)
	return out, err
}

// OutputLogged is like [Executor.Output]. What the command writes to standard error
// goes to log.
func (Executor) OutputLogged(ctx context.Context, log io.Writer, r plan.Run) ([]byte, error) {
	var stdout bytes.Buffer
	cmd := command(ctx, r)
	cmd.Stdout, cmd.Stderr = &stdout, log
	err := run(ctx, cmd, &bytes.Buffer{})
	return stdout.Bytes(), err
}

// outputs runs a command and returns its standard output and its standard error.
func outputs(ctx context.Context, r plan.Run) (out []byte, errText string, err error) {
	return outputsBy(ctx, r, run)
}

func outputsBy(ctx context.Context, r plan.Run, run runner) (out []byte, errText string, err error) {
	var stdout, stderr bytes.Buffer
	r.Env = append([]string{"LC_ALL=C.UTF-8"}, r.Env...)
	cmd := command(ctx, r)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = run(ctx, cmd, &stderr)
	if errors.Is(err, exec.ErrNotFound) {
		err = hint.Add(fmt.Errorf("%s is not installed: %w", r.Argv[0], exec.ErrNotFound), "install %s", r.Argv[0])
	}
	return stdout.Bytes(), plainText(stderr.String()), err
}

// command returns a command that gets SIGTERM when ctx ends, as do the commands that it has
// started, and that is killed later.
func command(ctx context.Context, r plan.Run) *exec.Cmd {
	r = hardenGit(r)
	cmd := exec.CommandContext(ctx, r.Argv[0], r.Argv[1:]...)
	cmd.Dir = r.Dir
	if r.Stdin != nil {
		cmd.Stdin = bytes.NewReader(r.Stdin)
	}
	if len(r.Env) > 0 {
		cmd.Env = append(cmd.Environ(), r.Env...)
	}
	cmd.Cancel = func() error { return interrupt.Signal(cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = killGrace
	return cmd
}

// A runner runs a command, which writes to stderr, and returns its error.
type runner func(ctx context.Context, cmd *exec.Cmd, stderr *bytes.Buffer) error

func run(ctx context.Context, cmd *exec.Cmd, stderr *bytes.Buffer) error {
	return ended(ctx, cmd, stderr, cmd.Run())
}

// ended returns the error of a command from that of os/exec.
func ended(ctx context.Context, cmd *exec.Cmd, stderr *bytes.Buffer, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return explainGit(&ExitError{filepath.Base(cmd.Path), e.ExitCode(), plainText(stderr.String())})
	}
	return err
}

// plainText returns the output of a program without colours.
func plainText(s string) string { return strings.TrimSpace(colours.ReplaceAllString(s, "")) }

// colours matches the escape sequences of colours, which some programs always print.
var colours = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// Installed reports whether PATH has a program with this name.
func Installed(name string) bool {
	_, ok := Find(name)
	return ok
}

// Find returns the path of the program that PATH has with this name. It is not ok if there
// is none.
func Find(name string) (path string, ok bool) {
	path, err := exec.LookPath(name)
	return path, err == nil
}

// ReadableByOthers reports whether other users may read a file, as with files of an older
// bkt. A missing file is not readable.
func ReadableByOthers(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Perm()&0o077 != 0
}
