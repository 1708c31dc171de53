package engineclient

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/grpcerrors"
	"google.golang.org/grpc/codes"
)

// snapshotterLabel is on workers that store images as containerd does. The BuildKit in
// a dockerd with another image store lacks it, and can neither write OCI layouts nor
// build for several platforms.
const snapshotterLabel = "org.mobyproject.buildkit.worker.snapshotter"

// Measure finds out what the engine can do; bkt's own can do everything.
func (c *Connection) Measure(ctx context.Context) error {
	c.WritesLayouts, c.ReadsLayouts = true, true
	if c.Address == Own {
		return nil
	}
	_, err := c.Info(ctx)
	c.ReadsLayouts = grpcerrors.Code(err) != codes.Unimplemented // both came with BuildKit 0.11
	if c.Daemon == nil {
		return nil
	}
	workers, err := c.ListWorkers(ctx)
	if err != nil {
		return errors.New(Message(err))
	}
	c.WritesLayouts = slices.ContainsFunc(workers, func(w *client.WorkerInfo) bool {
		return w.Labels[snapshotterLabel] != ""
	})
	c.ReadsLayouts = c.ReadsLayouts && c.WritesLayouts
	return nil
}

// HasBridge reports whether the daemon has the default network of build steps.
func (d Daemon) HasBridge(ctx context.Context) (bool, error) {
	response, err := d.Ask(ctx, http.MethodGet, "/networks/bridge")
	if e, ok := errors.AsType[*daemonError](err); ok && e.status == http.StatusNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, response.Body.Close()
}
