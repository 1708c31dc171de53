package buildkit

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
)

// knownTimeout is the time for dnf to list packages. The error of the build waits for
// it: about a second, and several on a busy machine.
const knownTimeout = 20 * time.Second

// A packageList has the names of the packages in the repositories of a step that has
// failed. It may be nil.
type packageList struct {
	mu    sync.Mutex
	names []string
}

func (l *packageList) set(names []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.names = names
}

func (l *packageList) get() []string {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.names)
}

// read lists the packages that a step could have installed, if err is the error of one
// with dnf. It runs dnf in the files that the step has left, with the metadata that the
// step has downloaded, and without a network. Nothing is listed if anything goes wrong.
func (l *packageList) read(ctx context.Context, c gateway.Client, err error) {
	failed, ok := errors.AsType[*errdefs.SolveError](err)
	if l == nil || !ok {
		return
	}
	exec := failed.Op.GetExec()
	if exec == nil || !strings.Contains(strings.Join(exec.Meta.Args, " "), "dnf") {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, knownTimeout)
	defer cancel()
	if out, err := runIn(ctx, c, exec, failed.MountIDs, "dnf", "-q", "-C", "repoquery", "--qf", `%{name}\n`); err == nil {
		l.set(strings.Fields(out))
	}
}

// runIn runs a command in the files that a step has left, and returns its output.
func runIn(ctx context.Context, c gateway.Client, step *pb.ExecOp, left []string, args ...string) (string, error) {
	request := gateway.NewContainerRequest{NetMode: pb.NetMode_NONE}
	for i, m := range step.Mounts {
		switch {
		case m.MountType == pb.MountType_CACHE:
			request.Mounts = append(request.Mounts, gateway.Mount{Dest: m.Dest, MountType: m.MountType, CacheOpt: m.CacheOpt, Selector: m.Selector})
		case m.MountType == pb.MountType_BIND && i < len(left) && left[i] != "":
			request.Mounts = append(request.Mounts, gateway.Mount{Dest: m.Dest, MountType: m.MountType, ResultID: left[i], Selector: m.Selector})
		}
	}
	box, err := c.NewContainer(ctx, request)
	if err != nil {
		return "", err
	}
	defer box.Release(context.WithoutCancel(ctx))
	var out bytes.Buffer
	process, err := box.Start(ctx, gateway.StartRequest{Args: args, Env: step.Meta.Env, Cwd: "/", Stdout: writeCloser{&out}})
	if err != nil {
		return "", err
	}
	err = process.Wait()
	return out.String(), err
}

// writeCloser is a writer that needs no closing.
type writeCloser struct{ io.Writer }

func (writeCloser) Close() error { return nil }
