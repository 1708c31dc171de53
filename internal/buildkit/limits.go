package buildkit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"bkt/internal/hint"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/grpcerrors"
	"google.golang.org/grpc/codes"
)

// snapshotterLabel is on workers that keep images as containerd does. The
// BuildKit inside a dockerd that keeps them in its own way lacks it: it can
// neither write OCI layouts nor build for several platforms.
const snapshotterLabel = "org.mobyproject.buildkit.worker.snapshotter"

// measure finds out what the engine can do. One that is bkt's own can do all.
func (c *connection) measure(ctx context.Context) error {
	c.writesLayouts, c.readsLayouts = true, true
	if c.address == Own {
		return nil
	}
	_, err := c.Info(ctx)
	c.readsLayouts = grpcerrors.Code(err) != codes.Unimplemented // both came with BuildKit 0.11
	if c.daemon == nil {
		return nil
	}
	workers, err := c.ListWorkers(ctx)
	if err != nil {
		return errors.New(plain(err))
	}
	c.writesLayouts = slices.ContainsFunc(workers, func(w *client.WorkerInfo) bool {
		return w.Labels[snapshotterLabel] != ""
	})
	c.readsLayouts = c.readsLayouts && c.writesLayouts
	return nil
}

// suits returns an error for each thing that p asks for and the engine cannot do.
func (c *connection) suits(p *part) error {
	var errs []error
	cannot := func(can bool, format string, args ...any) {
		if !can {
			err := fmt.Errorf("%s cannot "+format, append([]any{c.name()}, args...)...)
			errs = append(errs, hint.Add(err, "%s", c.elsewhere()))
		}
	}
	layouts := slices.Sorted(maps.Keys(p.spec.Images))
	cannot(c.readsLayouts || len(layouts) == 0, "read images from a folder: %s", strings.Join(layouts, ", "))
	several := len(p.spec.Platforms) > 1
	cannot(c.writesLayouts || !several, "build for several platforms: %s", strings.Join(p.spec.Platforms, ", "))
	if several && !c.writesLayouts {
		errs[len(errs)-1] = hint.Add(errs[len(errs)-1], "build for one of them: --platform %s", p.spec.Platforms[0])
	}
	cannot(c.writesLayouts || len(p.Exports) == 0, "write the image in a further form")
	cannot(c.writesLayouts || len(p.Attest) == 0, "make attestations")
	for _, cache := range p.opt.CacheExports {
		cannot(c.writesLayouts || cache.Type == "inline", "write a cache of the type %s", cache.Type)
	}
	return errors.Join(errs...)
}

// elsewhere is what to do if the engine cannot do something.
func (c *connection) elsewhere() string {
	if c.daemon == nil {
		return "build with another engine: see \"bkt doctor\" and --engine"
	}
	return "build with another engine: see \"bkt doctor\" and --engine; or have dockerd keep images in containerd's store"
}

// adapt makes opt fit for the engine. A dockerd without a bridge has no network
// for steps but the machine's.
func (c *connection) adapt(ctx context.Context, opt *client.SolveOpt) error {
	if c.daemon == nil {
		return nil
	}
	bridged, err := c.daemon.hasBridge(ctx)
	if err != nil || bridged {
		return err
	}
	opt.FrontendAttrs["force-network-mode"] = "host"
	opt.AllowedEntitlements = append(opt.AllowedEntitlements, "network.host")
	return nil
}

// hasBridge says whether the daemon has the network that steps get.
func (d daemon) hasBridge(ctx context.Context) (bool, error) {
	response, err := d.ask(ctx, http.MethodGet, "/networks/bridge")
	if e, ok := errors.AsType[*daemonError](err); ok && e.status == http.StatusNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, response.Body.Close()
}
