package engine

import (
	"context"
	"errors"
	"io/fs"

	"bkt/internal/engine/contract"

	"github.com/containerd/containerd/v2/core/content"
	containerd "github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"
	"github.com/moby/buildkit/client"
)

// history is the namespace of BuildKit's history of builds.
const history = namespace + "_history"

// measure returns the records of the disk: the size of the root, the part that builds
// use, and the part that a prune would free.
func (w nativeWorker) measure(ctx context.Context) ([]*client.UsageInfo, error) {
	records, err := w.Worker.DiskUsage(ctx, client.DiskUsageInfo{})
	if err != nil {
		return nil, err
	}
	cache, rest, err := w.stores.measure()
	if err != nil {
		return nil, err
	}
	used, own, err := w.remains(ctx, records)
	if err != nil {
		return nil, err
	}
	past, err := w.stores.blobs(ctx, history)
	if err != nil {
		return nil, err
	}
	sizes := map[string]int64{
		contract.DiskSize:        cache.Bytes + rest.Bytes,
		contract.DiskUnreadable:  int64(cache.Unreadable + rest.Unreadable),
		contract.DiskInUse:       used,
		contract.DiskReclaimable: max(0, cache.Bytes-used-own-past),
	}
	var infos []*client.UsageInfo
	for id, size := range sizes {
		infos = append(infos, &client.UsageInfo{ID: id, Size: size})
	}
	return infos, nil
}

// measure returns the size of the root on disk: of layers, and of all else.
func (s stores) measure() (cache, rest contract.Usage, err error) {
	dirs := []string{s.folders(), contract.ContentDir(s.root, s.name), trashDir(s.root)}
	for _, dir := range dirs {
		u, err := contract.Measure(dir)
		if err != nil {
			return cache, rest, err
		}
		cache.Bytes += u.Bytes
		cache.Unreadable += u.Unreadable
	}
	rest, err = contract.Measure(s.root, dirs...)
	return cache, rest, err
}

// remains returns the sizes of the records that a prune leaves: those in use,
// and BuildKit's internal ones.
func (w nativeWorker) remains(ctx context.Context, records []*client.UsageInfo) (used, own int64, err error) {
	ctx = containerd.WithNamespace(ctx, namespace)
	for _, r := range records {
		switch {
		case r.InUse && r.Mutable:
			// Its size changes, so BuildKit does not report it.
			u, err := w.stores.meta.Snapshotter(w.stores.name).Usage(ctx, r.ID)
			if err != nil && !errdefs.IsNotFound(err) && !errors.Is(err, fs.ErrNotExist) { // it may be deleted by now
				return used, own, err
			}
			used += u.Size
		case r.InUse:
			used += r.Size
		case r.RecordType == client.UsageRecordTypeInternal || r.RecordType == client.UsageRecordTypeFrontend:
			own += r.Size
		}
	}
	return used, own, nil
}

// blobs returns the size of the blobs of a namespace on disk.
func (s stores) blobs(ctx context.Context, namespace string) (size int64, err error) {
	const block = 4096
	err = s.meta.ContentStore().Walk(containerd.WithNamespace(ctx, namespace), func(info content.Info) error {
		size += (info.Size + block - 1) / block * block
		return nil
	})
	return size, err
}
