package engine

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"bkt/internal/engine/contract"

	"github.com/containerd/containerd/v2/core/diff/apply"
	"github.com/containerd/containerd/v2/core/metadata"
	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/containerd/containerd/v2/plugins/diff/walking"
	"github.com/containerd/platforms"
	cachemetadata "github.com/moby/buildkit/cache/metadata"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/executor"
	"github.com/moby/buildkit/executor/oci"
	"github.com/moby/buildkit/executor/resources"
	"github.com/moby/buildkit/executor/runcexecutor"
	snapshot "github.com/moby/buildkit/snapshot/containerd"
	"github.com/moby/buildkit/util/leaseutil"
	"github.com/moby/buildkit/worker/base"
	"github.com/moby/buildkit/worker/label"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// namespace is BuildKit's namespace in containerd's stores.
const namespace = "buildkit"

// A nativeWorker is a worker that measures its cache on disk.
type nativeWorker struct {
	*base.Worker
	stores stores
}

// Platforms returns the machine's own platform. BuildKit would look for emulators of
// others, with ten processes for every client, and nobody needs the result: steps for
// other platforms run anyway.
func (w nativeWorker) Platforms(bool) []ocispec.Platform { return w.Worker.Platforms(false) }

// Prune deletes records, as [base.Worker.Prune] does, and then unreferenced files from
// disk, even if the disk is full. It returns an error if it cannot delete all of it.
func (w nativeWorker) Prune(ctx context.Context, removed chan client.UsageInfo, options ...client.PruneInfo) error {
	giveUpReserve(w.stores.root)
	defer keepReserve(w.stores.root)
	if err := w.Worker.Prune(ctx, removed, options...); err != nil {
		return err
	}
	return w.stores.sweep(ctx)
}

// DiskUsage returns the records of the cache or, with [contract.DiskFilter],
// those of the disk.
func (w nativeWorker) DiskUsage(ctx context.Context, info client.DiskUsageInfo) ([]*client.UsageInfo, error) {
	if slices.Equal(info.Filter, []string{contract.DiskFilter}) {
		return w.measure(ctx)
	}
	return w.Worker.DiskUsage(ctx, info)
}

// newWorker creates a worker. BuildKit's function for that also creates a proxy
// and, at each start, a 2048-bit RSA key for it: no build here needs the proxy,
// and the key takes longer than all else.
func newWorker(ctx context.Context, s settings, n *stepNetworks, hosts docker.RegistryHosts) (w nativeWorker, err error) {
	w.stores, err = openStores(s.Config.Root, chooseSnapshotter(s.Config.Root, s.Config.Snapshotter))
	if err != nil {
		return w, err
	}
	o, err := w.stores.options()
	if err != nil {
		return w, err
	}
	if o.ResourceMonitor, err = resources.NewMonitor(); err != nil {
		return w, err
	}
	o.NetworkProviders = n.providers()
	if o.Executor, err = newExecutor(s, o.Root, n, o.ResourceMonitor); err != nil {
		return w, err
	}
	o.RegistryHosts = hosts
	o.Platforms = []ocispec.Platform{platforms.Normalize(platforms.DefaultSpec())}
	o.BuildkitVersion.Package = "bkt-engine"
	o.BuildkitVersion.Version = s.Config.Version
	w.Worker, err = base.NewWorker(ctx, o)
	return w, err
}

// options returns the options of a worker with these stores. They have no
// policy for garbage: [collector] has one.
func (s stores) options() (o base.WorkerOpt, err error) {
	o.Root = s.dir()
	o.MountPoolRoot = filepath.Join(o.Root, "cachemounts")
	o.Labels = map[string]string{
		label.Executor:       "oci",
		label.Snapshotter:    s.name,
		label.Network:        contract.OwnNetwork,
		label.OCIProcessMode: oci.ProcessSandbox.String(),
	}
	o.ContentMetadata = s.file
	content := snapshot.NewContentStore(s.meta.ContentStore(), namespace)
	o.ContentStore = content
	o.Snapshotter = snapshot.NewSnapshotter(s.name, s.meta.Snapshotter(s.name), namespace, nil)
	o.Applier = apply.NewFileSystemApplier(content)
	o.Differ = walking.NewWalkingDiff(content)
	o.LeaseManager = leaseutil.WithNamespace(metadata.NewLeaseManager(s.meta), namespace)
	o.GarbageCollect = s.meta.GarbageCollect
	if o.ID, err = base.ID(o.Root); err != nil {
		return o, err
	}
	o.MetadataStore, err = cachemetadata.NewStore(filepath.Join(o.Root, "metadata_v2.db"))
	return o, err
}

func newExecutor(s settings, root string, n *stepNetworks, m *resources.Monitor) (executor.Executor, error) {
	dir := filepath.Join(root, "executor")
	// A killed engine leaves a folder for each running container. Nothing is
	// mounted in them: the mounts ended with their namespace.
	if !s.Rootless {
		removeCgroups(cgroupMount, leftContainers(dir))
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	x, err := runcexecutor.New(runcexecutor.Opt{
		Root:                dir,
		CommandCandidates:   []string{s.Runtime},
		Rootless:            s.Rootless,
		ProcessMode:         oci.ProcessSandbox,
		DefaultCgroupParent: cgroupParent,
		ResourceMonitor:     m,
	}, n.providers())
	return ownNetworkExecutor{x, n}, err
}
