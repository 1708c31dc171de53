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

// A collector keeps the cache below its limit. BuildKit has one, too, which
// counts less than there is on disk: neither what is written down about builds
// nor layers whose files have been given a date.
type collector struct {
	worker nativeWorker
	keep   int64                       // bytes
	forget func(context.Context) error // removes cache keys of records that are gone
	built  chan struct{}               // has room for one
}

const (
	// firstLook is how long after a build the collector looks at the cache. By
	// then the build has let go of what it used.
	firstLook = time.Second
	// lastLook is when it gives up on a cache that is in use: the end of the
	// build that uses it makes it look again.
	lastLook = time.Minute
)

// intercept tells the collector about builds that end.
func (c collector) intercept(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	if info.FullMethod == controlapi.Control_Solve_FullMethodName {
		defer c.notify()
	}
	return handle(ctx, request)
}

func (c collector) notify() {
	select {
	case c.built <- struct{}{}:
	default: // it knows
	}
}

// run removes what earlier engines have left, and then collects garbage after
// builds, until ctx is done.
func (c collector) run(ctx context.Context) {
	tell := func(doing string, err error) {
		if err != nil && ctx.Err() == nil {
			logrus.Errorf("%s: %v", doing, err)
		}
	}
	keepReserve(c.worker.stores.root)
	sweep := sync.OnceFunc(func() { tell("removing what earlier engines left", c.worker.stores.sweep(ctx)) })
	wait, soon := firstLook, true
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.built:
			if !soon { // many short builds do not put it off
				wait, soon = firstLook, true
				timer.Reset(wait)
			}
		case <-timer.C:
			soon = false
			sweep()
			full, err := c.collect(ctx)
			tell("collecting garbage", err)
			if wait *= 2; full && wait < lastLook {
				timer.Reset(wait)
			}
		}
	}
}

// collect removes what the limit leaves no room for. It says whether the cache
// is above the limit even so.
func (c collector) collect(ctx context.Context) (full bool, err error) {
	defer crash.Recover(&err)
	const rounds = 10
	for range rounds {
		told, disk, err := c.weigh(ctx)
		if err != nil {
			return full, err
		}
		full = disk > c.keep
		keep := c.keep
		if full { // what is not told goes with the records that it belongs to
			keep = int64(float64(c.keep) * float64(told) / float64(disk))
		}
		removed, err := c.prune(ctx, keep)
		if err != nil || !full || removed == 0 {
			return full, err
		}
	}
	return full, nil
}

// weigh returns what the records of the cache tell that they take, and what the
// root takes on disk. The latter is zero if it cannot be above the limit.
func (c collector) weigh(ctx context.Context) (told, disk int64, err error) {
	records, err := c.worker.Worker.DiskUsage(ctx, client.DiskUsageInfo{})
	if err != nil {
		return 0, 0, err
	}
	for _, r := range records {
		told += r.Size
	}
	// Records have the sizes of their blobs. With those of all blobs added, they
	// are more than there can be on disk: no need to look at each file.
	most := told
	for _, ns := range []string{namespace, history} {
		blobs, err := c.worker.stores.blobs(ctx, ns)
		if err != nil {
			return told, 0, err
		}
		most += blobs
	}
	if most < c.keep {
		return told, 0, nil
	}
	u, err := contract.Measure(c.worker.stores.root)
	return told, u.Bytes, err
}

// prune removes records until keep bytes are left, and returns how many it has
// removed.
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

// policy returns when to remove what from the cache, so that it keeps below
// keep bytes and a fifth of the disk stays free. What a build needs again soon
// goes last: first sources and cache mounts that are easily had again, then
// what is old, then anything, and last what BuildKit has for itself.
func policy(keep int64, stat disk.DiskStat) []client.PruneInfo {
	limit := client.PruneInfo{
		MaxUsedSpace: keep,
		MinFreeSpace: stat.Total / 5,
		// However full the disk is by others' doing, this much stays: to remove
		// all of it at each build would help nobody.
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
