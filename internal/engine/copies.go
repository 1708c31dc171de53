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
	// Most often there are none. Other records need not be measured then.
	some, err := c.worker.Worker.DiskUsage(ctx, client.DiskUsageInfo{Filter: []string{contract.CopyFilter}})
	if err != nil || len(some) == 0 {
		return nil, err
	}
	all, err := c.worker.Worker.DiskUsage(ctx, client.DiskUsageInfo{})
	if err != nil {
		return nil, err
	}
	var records []contract.Record
	for _, r := range all {
		records = append(records, contract.Record{ID: r.ID, Description: r.Description, Parents: r.Parents})
	}
	return contract.CopyFilters(records, contract.CopyPrefix), nil
}
