package engine

import (
	"context"

	"bkt/internal/crash"
	"bkt/internal/engine/contract"

	"github.com/moby/buildkit/client"
)

// removeCopies deletes the copies of homes that killed clients have left. It reports
// whether copies remain, which builds use.
func (c collector) removeCopies(ctx context.Context) (remain bool, err error) {
	defer crash.Recover(&err)
	filters, err := c.copies(ctx)
	if err != nil || len(filters) == 0 {
		return false, err
	}
	if err := c.worker.Prune(ctx, nil, client.PruneInfo{All: true, Filter: filters}); err != nil {
		return true, err
	}
	if err := c.forget(ctx); err != nil {
		return true, err
	}
	filters, err = c.copies(ctx)
	return len(filters) > 0, err
}

// copies returns filters for the records with files of copies of homes.
func (c collector) copies(ctx context.Context) ([]string, error) {
	return contract.CopyFilters(func(filters ...string) (records []contract.Record, err error) {
		usage, err := c.worker.Worker.DiskUsage(ctx, client.DiskUsageInfo{Filter: filters})
		for _, r := range usage {
			records = append(records, contract.Record{ID: r.ID, Description: r.Description, Parents: r.Parents})
		}
		return records, err
	}, contract.CopyPrefix)
}
