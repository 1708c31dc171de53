package engineclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"bkt/internal/engine/contract"
	"bkt/internal/flock"
	"bkt/internal/hint"
	"bkt/internal/patherr"

	"github.com/moby/buildkit/client"
	_ "github.com/moby/buildkit/client/connhelper/dockercontainer"
	_ "github.com/moby/buildkit/client/connhelper/kubepod"
	_ "github.com/moby/buildkit/client/connhelper/nerdctlcontainer"
	_ "github.com/moby/buildkit/client/connhelper/podmancontainer"
	_ "github.com/moby/buildkit/client/connhelper/ssh"
	"github.com/moby/buildkit/util/grpcerrors"
	"github.com/sirupsen/logrus"
	"google.golang.org/grpc/codes"
)

// quiet keeps the clients of BuildKit and containerd from writing to stderr: messages
// for the user are returned as errors.
func quiet() {
	logrus.SetOutput(io.Discard)
	log.SetOutput(io.Discard)
}

// dial connects to the BuildKit at address, and waits until it answers.
func dial(ctx context.Context, address string, options ...client.ClientOpt) (*client.Client, error) {
	c, err := client.New(ctx, address, options...)
	if err != nil {
		return nil, err
	}
	if err := probe(ctx, c); err != nil {
		c.Close()
		return nil, errors.New(Message(err))
	}
	return c, nil
}

// probe asks an engine for its version. An old engine does not implement the call,
// which is an answer, too.
func probe(ctx context.Context, c *client.Client) error {
	_, err := c.Info(ctx)
	if grpcerrors.Code(err) == codes.Unimplemented {
		return nil
	}
	return err
}

// connectOwn connects to bkt's own engine, and starts it if it does not run.
func connectOwn(ctx context.Context, cfg Config) (*client.Client, contract.State, error) {
	c, state, err := dialOwn(ctx, cfg)
	switch _, timedOut := errors.AsType[timeoutError](err); {
	case timedOut:
		return nil, state, err
	case err == nil && !isOther(cfg, state):
		return c, state, nil
	case err == nil:
		c.Close()
	}
	if cfg.Program == "" {
		return nil, state, cfg.NoProgram()
	}
	if err := os.MkdirAll(cfg.Root, 0o700); err != nil {
		return nil, state, patherr.TrimOp(err)
	}
	// Of several clients that find no engine at the same time, one starts it.
	// The others find it running when they get the lock.
	lock, err := flock.Lock(ctx, filepath.Join(cfg.Root, "start.lock"), os.O_CREATE|os.O_RDWR, flock.Exclusive, nil)
	if err != nil {
		return nil, state, err
	}
	defer lock.Close()
	if err := stopOutdated(ctx, cfg); err != nil {
		return nil, state, err
	}
	return connectOrStart(ctx, cfg)
}

// NoProgram returns why the own engine has no program.
func (cfg Config) NoProgram() error {
	if cfg.ProgramErr != nil {
		return &programError{cfg.ProgramErr}
	}
	return &programError{errors.New("the engine is not running, and its program is unknown")}
}

// connectOrStart connects to the own engine or starts it. The caller holds
// start.lock.
func connectOrStart(ctx context.Context, cfg Config) (*client.Client, contract.State, error) {
	const attempts = 5
	for attempt := 1; ; attempt++ {
		c, state, err := dialOwn(ctx, cfg)
		if err == nil || ctx.Err() != nil || attempt > attempts {
			return c, state, err
		}
		// Another engine may hold the root and not answer because it is about
		// to end. Once it has ended, this one can start.
		err = start(ctx, cfg)
		if isHeld(err) {
			err = awaitEnd(ctx, cfg, err)
		}
		if err != nil {
			return nil, state, err
		}
	}
}

// start starts the own engine, and waits until it is ready or has failed.
func start(ctx context.Context, cfg Config) error {
	output, err := os.Create(filepath.Join(cfg.Root, "start.log"))
	if err != nil {
		return err
	}
	defer output.Close()
	cmd, ready, err := launch(cfg, output)
	if err != nil {
		return fmt.Errorf("starting the engine: %w", err)
	}
	defer ready.Close()
	err = await(ctx, cfg, cmd, ready)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = hint.Add(fmt.Errorf("it ended without a report%s", outputOf(output)), "%s may say why", contract.LogFile(cfg.Root))
	}
	if ctx.Err() != nil {
		return err
	}
	return eachOf(err, "starting the engine")
}

// launch starts the program of the engine. Its report is read from ready.
func launch(cfg Config, stderr *os.File) (cmd *exec.Cmd, ready *os.File, err error) {
	args, err := cfg.arguments()
	if err != nil {
		return nil, nil, err
	}
	ready, report, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer report.Close()
	cmd = exec.Command(cfg.Program, args...)
	cmd.Dir = "/" // it outlives this command, and must not keep a folder busy
	cmd.ExtraFiles = []*os.File{report}
	cmd.Stderr = stderr
	// Ctrl-C is for this command, not for an engine that others use, too.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		ready.Close()
		return nil, nil, err
	}
	return cmd, ready, nil
}

// await waits for the report of an engine that was started. It kills an engine that
// takes too long, and if ctx ends.
func await(ctx context.Context, cfg Config, cmd *exec.Cmd, ready *os.File) error {
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	timeout := cfg.timeouts.startTimeout()
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("%s: %w", cmd.Path, timeoutError(timeout)))
	defer cancel()
	defer context.AfterFunc(ctx, func() { cmd.Process.Kill(); ready.Close() })()
	err := contract.AwaitReport(ready)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		<-ended // all of its output is there then
	}
	return err
}

// eachOf puts a context before err, or before each of joined errors.
func eachOf(err error, doing string) error {
	errs := hint.Split(err)
	for i, e := range errs {
		errs[i] = fmt.Errorf("%s: %w", doing, e)
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// arguments returns the arguments of bkt-engine. Its report goes to the first
// file that it inherits after the standard ones.
func (cfg Config) arguments() ([]string, error) {
	root, err := filepath.Abs(cfg.Root)
	if err != nil {
		return nil, err
	}
	socket, err := filepath.Abs(cfg.Socket)
	if err != nil {
		return nil, err
	}
	args := []string{"serve", "--root", root, "--socket", socket, "--ready-fd", "3"}
	if cfg.Idle > 0 {
		args = append(args, "--idle", cfg.Idle.String())
	}
	if cfg.Keep > 0 {
		args = append(args, "--keep-bytes", strconv.FormatInt(cfg.Keep, 10))
	}
	return args, nil
}

// isHeld reports whether an engine did not start because another one holds its
// root.
func isHeld(err error) bool {
	e, ok := errors.AsType[*contract.StartError](err)
	return ok && e.Status == contract.StatusHeld
}

// awaitEnd waits until the engine that holds the root has ended. It returns held if
// that takes too long.
func awaitEnd(ctx context.Context, cfg Config, held error) error {
	wait, cancel := context.WithTimeout(ctx, cfg.timeouts.startTimeout())
	defer cancel()
	lock, err := flock.Lock(wait, contract.LockFile(cfg.Root), os.O_RDONLY, flock.Shared, nil)
	if err == nil {
		return lock.Close()
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return hint.Add(held, "that engine does not answer: run \"bkt engine stop\"")
}

// outputOf returns the beginning of a program's output in a file, after a colon.
func outputOf(file *os.File) string {
	text := make([]byte, 4<<10)
	n, _ := file.ReadAt(text, 0)
	if n == 0 {
		return ""
	}
	return ": " + strings.TrimSpace(string(text[:n]))
}
