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
	"bkt/internal/plan"
)

// patience is how long a command that is to end may take.
const patience = 5 * time.Second

// An ExitError is that of a command that has run and did not succeed.
type ExitError struct {
	Program string
	Status  int
	Stderr  string // what it said, unless that went elsewhere
}

func (e *ExitError) Error() string {
	text := fmt.Sprintf("%s: exit status %d", e.Program, e.Status)
	if e.Stderr != "" {
		text += ": " + e.Stderr
	}
	return text
}

// Output runs a command and returns its standard output. One that fails is an
// [ExitError].
func Output(ctx context.Context, argv ...string) ([]byte, error) {
	return OutputIn(ctx, "", argv...)
}

// OutputIn is [Output] for a command that runs in dir.
func OutputIn(ctx context.Context, dir string, argv ...string) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd := command(ctx, argv...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	err := run(ctx, cmd, &stderr)
	return stdout.Bytes(), err
}

// Query answers questions about this machine by running commands that change
// nothing.
type Query struct{}

// Output runs a command and returns its standard output. One that fails is an
// [ExitError]. It speaks English, whatever the user does: some is parsed.
func (m Query) Output(ctx context.Context, r plan.Run) ([]byte, error) {
	return m.outputIn(ctx, "", r)
}

// outputIn is like [Query.Output], with a folder to run the command in.
func (m Query) outputIn(ctx context.Context, dir string, r plan.Run) ([]byte, error) {
	out, _, err := m.outputs(ctx, dir, r)
	return out, err
}

// outputs is like [Query.outputIn], and returns what the command has written to
// standard error, too.
func (Query) outputs(ctx context.Context, dir string, r plan.Run) (out []byte, said string, err error) {
	var stdout, stderr bytes.Buffer
	cmd := command(ctx, r.Argv...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), append([]string{"LC_ALL=C.UTF-8"}, r.Env...)...)
	cmd.Stdin = bytes.NewReader(r.Stdin)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = run(ctx, cmd, &stderr)
	if errors.Is(err, exec.ErrNotFound) {
		err = hint.Add(fmt.Errorf("%s is not installed: %w", r.Argv[0], exec.ErrNotFound), "install %s", r.Argv[0])
	}
	return stdout.Bytes(), plainText(stderr.String()), err
}

// OutputLogged runs a command and returns its standard output; what it says
// besides goes to log.
func OutputLogged(ctx context.Context, log io.Writer, argv ...string) ([]byte, error) {
	var stdout bytes.Buffer
	cmd := command(ctx, argv...)
	cmd.Stdout, cmd.Stderr = &stdout, log
	err := run(ctx, cmd, &bytes.Buffer{})
	return stdout.Bytes(), err
}

// Git is the git of this machine.
type Git struct{}

// Git runs git in dir, with the given standard input, and returns its output.
// Root runs it as the owner of dir, so that all that git writes is the owner's.
func (Git) Git(ctx context.Context, dir string, stdin []byte, args ...string) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd := command(ctx, append([]string{"git"}, args...)...)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(stdin)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	asOwner(cmd)
	err := run(ctx, cmd, &stderr)
	if errors.Is(err, exec.ErrNotFound) {
		err = hint.Add(errors.New("git is not installed"), "install git")
	}
	return stdout.Bytes(), err
}

// command asks to end, when ctx does, before it makes sure.
func command(ctx context.Context, argv ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = patience
	return cmd
}

func run(ctx context.Context, cmd *exec.Cmd, stderr *bytes.Buffer) error {
	err := cmd.Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return &ExitError{filepath.Base(cmd.Path), e.ExitCode(), plainText(stderr.String())}
	}
	return err
}

// plainText returns what a program has written without colours.
func plainText(s string) string { return strings.TrimSpace(colours.ReplaceAllString(s, "")) }

// colours are what terminals take for a change of colour. Some programs write them
// wherever they write.
var colours = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// Installed says whether there is a program of that name in PATH.
func Installed(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

// ReadableByOthers reports whether other users may read a file, as those that an
// older bkt wrote. A missing file is not readable.
func ReadableByOthers(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Perm()&0o077 != 0
}
