package engine

import (
	"context"
	"sync"
	"time"

	"bkt/internal/crash"
	"bkt/internal/engine/contract"

	controlapi "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/disk"
	"github.com/sirupsen/logrus"
	"google.golang.org/grpc"
)

// A collector keeps the cache below its limit. BuildKit has one, too, which does not
// count all files on disk: neither the history of builds nor layers with rewritten
// dates.
type collector struct {
	worker nativeWorker
	keep   int64                       // bytes
	forget func(context.Context) error // removes the cache keys of deleted records
	built  chan struct{}               // has room for one
}

const (
	// firstDelay is the time between a build and the first collection, in which the
	// build releases its resources.
	firstDelay = time.Second
	// maxDelay is the longest time between collections of a full cache, or of
	// copies of homes, that are in use. The end of the build that uses it starts them again.
	maxDelay = time.Minute
)

// intercept notifies the collector when a build ends.
func (c collector) intercept(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	if info.FullMethod == controlapi.Control_Solve_FullMethodName {
		defer c.notify()
	}
	return handle(ctx, request)
}

func (c collector) notify() {
	select {
	case c.built <- struct{}{}:
	default: // it is already notified
	}
}

// run removes what earlier engines have left, and then collects garbage after
// builds, until ctx ends.
func (c collector) run(ctx context.Context) {
	logError := func(doing string, err error) {
		if err != nil && ctx.Err() == nil {
			logrus.Errorf("%s: %v", doing, err)
		}
	}
	keepReserve(c.worker.stores.root)
	sweep := sync.OnceFunc(func() { logError("removing what earlier engines left", c.worker.stores.sweep(ctx)) })
	wait, soon := firstDelay, true
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.built:
			if !soon { // many short builds do not delay it
				wait, soon = firstDelay, true
				timer.Reset(wait)
			}
		case <-timer.C:
			soon = false
			sweep()
			remain, err := c.removeCopies(ctx)
			logError("removing copies of homes", err)
			full, err := c.collect(ctx)
			logError("collecting garbage", err)
			if wait *= 2; (full || remain) && wait < maxDelay {
				timer.Reset(wait)
			}
		}
	}
}

// collect deletes records until the cache is below the limit. It reports
// whether the cache is still above it.
func (c collector) collect(ctx context.Context) (full bool, err error) {
	defer crash.Recover(&err)
	const rounds = 10
	for range rounds {
		counted, disk, err := c.weigh(ctx)
		if err != nil {
			return full, err
		}
		full = disk > c.keep
		keep := c.keep
		if full { // files that BuildKit does not count are deleted with its records
			keep = int64(float64(c.keep) * float64(counted) / float64(disk))
		}
		removed, err := c.prune(ctx, keep)
		if err != nil || !full || removed == 0 {
			return full, err
		}
	}
	return full, nil
}

// weigh returns the size of the cache as BuildKit counts it, and the size of
// the root on disk. The latter is zero if it cannot be above the limit.
func (c collector) weigh(ctx context.Context) (counted, disk int64, err error) {
	records, err := c.worker.Worker.DiskUsage(ctx, client.DiskUsageInfo{})
	if err != nil {
		return 0, 0, err
	}
	for _, r := range records {
		counted += r.Size
	}
	// Records include the sizes of their blobs. With the sizes of all blobs
	// added, the sum is more than can be on disk, and there is no need to read
	// each file.
	most := counted
	for _, ns := range []string{namespace, history} {
		blobs, err := c.worker.stores.blobs(ctx, ns)
		if err != nil {
			return counted, 0, err
		}
		most += blobs
	}
	if most < c.keep {
		return counted, 0, nil
	}
	u, err := contract.Measure(c.worker.stores.root)
	return counted, u.Bytes, err
}

// prune deletes records until keep bytes are left, and returns how many it has
// deleted.
func (c collector) prune(ctx context.Context, keep int64) (removed int, err error) {
	stat, err := disk.GetDiskStat(c.worker.stores.root)
	if err != nil {
		return 0, err
	}
	records := make(chan client.UsageInfo)
	counted := make(chan int)
	go func() {
		n := 0
		for range records {
			n++
		}
		counted <- n
	}()
	err = c.worker.Worker.Prune(ctx, records, policy(max(1, keep), stat)...)
	close(records)
	removed = <-counted
	if err == nil && removed > 0 {
		err = c.forget(ctx)
	}
	return removed, err
}

// policy returns the order in which to delete records, so that the cache stays
// below keep bytes and a fifth of the disk stays free: first sources and cache
// mounts, which are easy to get again, then old records, then any, and last
// BuildKit's internal ones.
func policy(keep int64, stat disk.DiskStat) []client.PruneInfo {
	limit := client.PruneInfo{
		MaxUsedSpace: keep,
		MinFreeSpace: stat.Total / 5,
		// This much stays even if other files fill the disk: deleting it all
		// after each build would not help.
		ReservedSpace: min(keep/4, stat.Total/10),
	}
	easy, old, internal := limit, limit, limit
	easy.Filter = []string{"type==source.local", "type==exec.cachemount", "type==source.git.checkout"}
	easy.KeepDuration = 7 * 24 * time.Hour
	easy.MaxUsedSpace = keep / 4
	easy.ReservedSpace = min(easy.ReservedSpace, easy.MaxUsedSpace)
	old.KeepDuration = 60 * 24 * time.Hour
	internal.All = true
	return []client.PruneInfo{easy, old, limit, internal}
}
