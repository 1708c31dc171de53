package engine

import (
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/disk"
)

// collect returns when to remove what from the cache, so that it keeps below
// keep bytes and a fifth of the disk stays free. What a build needs again soon
// goes last: first sources and cache mounts that are easily had again, then
// what is old, then anything, and last what BuildKit has for itself.
func collect(keep int64, stat disk.DiskStat) []client.PruneInfo {
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
