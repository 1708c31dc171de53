package engine

import (
	"context"
	"os"
	"path/filepath"

	"bkt/internal/engine/contract"

	"github.com/containerd/containerd/v2/core/diff/apply"
	"github.com/containerd/containerd/v2/core/metadata"
	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/containerd/containerd/v2/plugins/diff/walking"
	"github.com/containerd/containerd/v2/plugins/snapshots/native"
	"github.com/containerd/containerd/v2/plugins/snapshots/overlay"
	"github.com/containerd/containerd/v2/plugins/snapshots/overlay/overlayutils"
	"github.com/containerd/platforms"
	cachemetadata "github.com/moby/buildkit/cache/metadata"
	"github.com/moby/buildkit/executor"
	"github.com/moby/buildkit/executor/oci"
	"github.com/moby/buildkit/executor/resources"
	"github.com/moby/buildkit/executor/runcexecutor"
	snapshot "github.com/moby/buildkit/snapshot/containerd"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/db/boltutil"
	"github.com/moby/buildkit/util/disk"
	"github.com/moby/buildkit/util/leaseutil"
	"github.com/moby/buildkit/util/network"
	"github.com/moby/buildkit/worker/base"
	"github.com/moby/buildkit/worker/label"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// namespace is what BuildKit keeps its things under in containerd's stores.
const namespace = "buildkit"

// snapshotter is how the layers of images are put together.
type snapshotter struct {
	snapshots.Snapshotter
	name string
}

// nativeWorker is a worker that does not find out, for every client, which other
// platforms there are emulators for. That takes ten processes, and nobody wants
// to know: steps for other platforms are run all the same.
type nativeWorker struct{ *base.Worker }

// Platforms returns the machine's own platform.
func (w nativeWorker) Platforms(bool) []ocispec.Platform { return w.Worker.Platforms(false) }

// newWorker puts a worker together from its parts. BuildKit has a function for
// that, which also makes a proxy and, at each start, a 2048-bit RSA key for it:
// no build here asks for the proxy, and the key takes longer than all else.
func newWorker(ctx context.Context, s settings, hosts docker.RegistryHosts) (w nativeWorker, err error) {
	o, err := newStores(s)
	if err != nil {
		return w, err
	}
	if o.ResourceMonitor, err = resources.NewMonitor(); err != nil {
		return w, err
	}
	o.NetworkProviders = networks()
	if o.Executor, err = newExecutor(s, o.Root, o.NetworkProviders, o.ResourceMonitor); err != nil {
		return w, err
	}
	stat, err := disk.GetDiskStat(s.Config.Root)
	if err != nil {
		return w, err
	}
	o.GCPolicy = collect(s.Config.KeepBytes, stat)
	o.RegistryHosts = hosts
	o.Platforms = []ocispec.Platform{platforms.Normalize(platforms.DefaultSpec())}
	o.BuildkitVersion.Package = "bkt-engine"
	o.BuildkitVersion.Version = s.Config.Version
	w.Worker, err = base.NewWorker(ctx, o)
	return w, err
}

// newStores opens what a worker keeps on disk.
func newStores(s settings) (base.WorkerOpt, error) {
	var o base.WorkerOpt
	sn, err := newSnapshotter(s.Config.Root)
	if err != nil {
		return o, err
	}
	o.Root = contract.WorkerDir(s.Config.Root, sn.name)
	o.MountPoolRoot = filepath.Join(o.Root, "cachemounts")
	o.Labels = map[string]string{
		label.Executor:       "oci",
		label.Snapshotter:    sn.name,
		label.Network:        "host",
		label.OCIProcessMode: oci.ProcessSandbox.String(),
	}
	blobs, err := local.NewStore(contract.ContentDir(s.Config.Root, sn.name))
	if err != nil {
		return o, err
	}
	bolt, err := boltutil.Open(filepath.Join(o.Root, "containerdmeta.db"), 0o600, boltOptions())
	if err != nil {
		return o, err
	}
	o.ContentMetadata = bolt
	meta := metadata.NewDB(bolt, blobs, map[string]snapshots.Snapshotter{sn.name: sn})
	if err := meta.Init(context.Background()); err != nil {
		return o, err
	}
	content := snapshot.NewContentStore(meta.ContentStore(), namespace)
	o.ContentStore = content
	o.Snapshotter = snapshot.NewSnapshotter(sn.name, meta.Snapshotter(sn.name), namespace, nil)
	o.Applier = apply.NewFileSystemApplier(content)
	o.Differ = walking.NewWalkingDiff(content)
	o.LeaseManager = leaseutil.WithNamespace(metadata.NewLeaseManager(meta), namespace)
	o.GarbageCollect = meta.GarbageCollect
	if o.ID, err = base.ID(o.Root); err != nil {
		return o, err
	}
	o.MetadataStore, err = cachemetadata.NewStore(filepath.Join(o.Root, "metadata_v2.db"))
	return o, err
}

// newSnapshotter returns one that mounts overlays or, where the kernel or the
// file system cannot do that, one that copies.
func newSnapshotter(root string) (snapshotter, error) {
	name, open := contract.Overlay, func(dir string) (snapshots.Snapshotter, error) {
		return overlay.NewSnapshotter(dir, overlay.AsynchronousRemove)
	}
	if !overlays(root) {
		name, open = contract.Native, func(dir string) (snapshots.Snapshotter, error) { return native.NewSnapshotter(dir) }
	}
	dir := contract.WorkerDir(root, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return snapshotter{}, err
	}
	sn, err := open(filepath.Join(dir, "snapshots"))
	return snapshotter{sn, name}, err
}

// overlays reports whether layers can be put together by mounting overlays. A
// root that has such layers needs no trial: with the mount of one, the kernel
// writes out whatever its whole file system has not written yet.
func overlays(root string) bool {
	_, err := os.Stat(filepath.Join(contract.WorkerDir(root, contract.Overlay), "snapshots"))
	return err == nil || overlayutils.Supported(root) == nil
}

func newExecutor(s settings, root string, n map[pb.NetMode]network.Provider, m *resources.Monitor) (executor.Executor, error) {
	dir := filepath.Join(root, "executor")
	// A folder for each running container, which a killed engine leaves behind.
	// Nothing is mounted in them: the mounts have gone with their namespace.
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
	}, n)
	return onHost{x}, err
}
