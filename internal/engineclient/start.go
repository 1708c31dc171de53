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

// quiet keeps BuildKit's and containerd's client side from writing to stderr:
// what matters to a user comes as an error.
func quiet() {
	logrus.SetOutput(io.Discard)
	log.SetOutput(io.Discard)
}

// dial connects to the BuildKit at address and waits for its answer.
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

// probe asks an engine for a sign of life. An old one does not know the
// question, which is an answer too.
func probe(ctx context.Context, c *client.Client) error {
	_, err := c.Info(ctx)
	if grpcerrors.Code(err) == codes.Unimplemented {
		return nil
	}
	return err
}

// connectOwn connects to bkt's own engine, and starts it if need be.
func connectOwn(ctx context.Context, cfg Config) (*client.Client, error) {
	c, state, err := dialOwn(ctx, cfg)
	switch _, mute := errors.AsType[timeoutError](err); {
	case mute:
		return nil, err
	case err == nil && !isOther(cfg, state):
		return c, nil
	case err == nil:
		c.Close()
	}
	if cfg.Program == "" {
		return nil, cfg.NoProgram()
	}
	if err := os.MkdirAll(cfg.Root, 0o700); err != nil {
		return nil, patherr.TrimOp(err)
	}
	// Of several that find no engine at the same time, one starts it and the
	// others, when they get the lock, find it running.
	lock, err := flock.Lock(ctx, filepath.Join(cfg.Root, "start.lock"), os.O_CREATE|os.O_RDWR, flock.Exclusive, nil)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	if err := stopOutdated(ctx, cfg); err != nil {
		return nil, err
	}
	return connectOrStart(ctx, cfg)
}

// NoProgram says why there is no program to start.
func (cfg Config) NoProgram() error {
	if cfg.ProgramErr != nil {
		return &absentError{cfg.ProgramErr}
	}
	return &absentError{errors.New("the engine is not running, and there is no program to start it with")}
}

// connectOrStart connects to the own engine, whose start is the caller's alone.
func connectOrStart(ctx context.Context, cfg Config) (*client.Client, error) {
	const attempts = 5
	for attempt := 1; ; attempt++ {
		c, _, err := dialOwn(ctx, cfg)
		if err == nil || ctx.Err() != nil || attempt > attempts {
			return c, err
		}
		// Another engine may have the root, but answer no longer, as it is about
		// to end. Once it has, it is our turn.
		err = start(ctx, cfg)
		if isHeld(err) {
			err = awaitEnd(ctx, cfg, err)
		}
		if err != nil {
			return nil, err
		}
	}
}

// start starts the own engine and waits until it is up, or says why not.
func start(ctx context.Context, cfg Config) error {
	said, err := os.Create(filepath.Join(cfg.Root, "start.log"))
	if err != nil {
		return err
	}
	defer said.Close()
	cmd, ready, err := launch(cfg, said)
	if err != nil {
		return fmt.Errorf("starting the engine: %w", err)
	}
	defer ready.Close()
	err = await(ctx, cfg, cmd, ready)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = hint.Add(fmt.Errorf("it ended without a report%s", words(said)), "%s may say why", contract.LogFile(cfg.Root))
	}
	if ctx.Err() != nil {
		return err
	}
	return eachOf(err, "starting the engine")
}

// launch starts the program of the engine, whose report can be read from ready.
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
	cmd.Dir = "/" // it outlives this command, and should keep no folder busy
	cmd.ExtraFiles = []*os.File{report}
	cmd.Stderr = stderr
	// A Ctrl-C is for this command, not for an engine that others use too.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		ready.Close()
		return nil, nil, err
	}
	return cmd, ready, nil
}

// await waits for the report of an engine that has been started. One that takes
// too long, or that nobody waits for any more, is killed.
func await(ctx context.Context, cfg Config, cmd *exec.Cmd, ready *os.File) error {
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	most := cfg.timeouts.startTimeout()
	ctx, cancel := context.WithTimeoutCause(ctx, most, fmt.Errorf("%s: %w", cmd.Path, timeoutError(most)))
	defer cancel()
	defer context.AfterFunc(ctx, func() { cmd.Process.Kill(); ready.Close() })()
	err := contract.AwaitReport(ready)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		<-ended // all that it had to say has been said then
	}
	return err
}

// eachOf puts what was being done before err, or before each of joined errors.
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

// arguments are those of bkt-engine. The report goes to the first of the files
// that it inherits beside the standard ones.
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

// isHeld says whether err is that of an engine whose root another one has.
func isHeld(err error) bool {
	e, ok := errors.AsType[*contract.StartError](err)
	return ok && e.Status == contract.StatusHeld
}

// awaitEnd waits until the engine that has the root has ended. It returns held if
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
	return hint.Add(held, "it does not answer: run \"bkt engine stop\"")
}

// words returns what a program has said into a file, after a colon.
func words(file *os.File) string {
	text := make([]byte, 4<<10)
	n, _ := file.ReadAt(text, 0)
	if n == 0 {
		return ""
	}
	return ": " + strings.TrimSpace(string(text[:n]))
}
