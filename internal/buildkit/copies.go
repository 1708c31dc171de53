package buildkit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bkt/internal/engine/contract"
	"bkt/internal/engineclient"
	"bkt/internal/hint"

	"github.com/moby/buildkit/client"
)

const (
	// removeTimeout is the time for an engine to delete the copy of a home. On a busy
	// machine, an engine that builds something else, too, has needed more than 10 seconds.
	removeTimeout = time.Minute
	// stopTimeout is the same after the user has interrupted bkt.
	stopTimeout = 500 * time.Millisecond
	// removeInterval is the time between attempts while the build that has ended
	// releases its records.
	removeInterval = 20 * time.Millisecond
)

// remove deletes everything that the engine has from the copy of the mount's folder,
// even if ctx has ended.
func (m ExtraMount) remove(ctx context.Context, c *client.Client) error {
	if m.copyID == "" {
		return nil
	}
	timeout := removeTimeout
	if ctx.Err() != nil {
		timeout = stopTimeout
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	tick := time.NewTicker(removeInterval)
	defer tick.Stop()
	for {
		remain, err := removeCopies(ctx, c, m.copyID)
		if err == nil && remain == 0 {
			return nil
		}
		if err == nil {
			select {
			case <-tick.C:
				continue
			case <-ctx.Done():
				err = errors.New("a build still uses it")
			}
		}
		return hint.Add(fmt.Errorf("the copy of %s is still in the cache of the engine: %w", m.Folder, err),
			"delete it with \"bkt engine prune --all\" or, if you use another engine, with its own command")
	}
}

// removeLeftCopies deletes the copies of homes that killed clients have left on an
// engine, unless builds use them.
func removeLeftCopies(ctx context.Context, c *client.Client) error {
	if _, err := removeCopies(ctx, c, contract.CopyPrefix); err != nil {
		return fmt.Errorf("deleting copies of homes that earlier runs have left on the engine: %w", err)
	}
	return nil
}

// removeCopies deletes the records with files of a copy of a home, or with
// [contract.CopyPrefix] of all copies. It returns how many records remain, because
// builds use them.
func removeCopies(ctx context.Context, c *client.Client, id string) (remain int, err error) {
	filters, err := copyFilters(ctx, c, id)
	if err != nil || len(filters) == 0 {
		return 0, err
	}
	if err := c.Prune(ctx, nil, client.PruneAll, client.WithFilter(filters)); err != nil {
		return len(filters), errors.New(engineclient.Message(err))
	}
	filters, err = copyFilters(ctx, c, id)
	return len(filters), err
}

// copyFilters returns filters for the records with files of a copy of a home.
func copyFilters(ctx context.Context, c *client.Client, id string) ([]string, error) {
	return contract.CopyFilters(func(filters ...string) (records []contract.Record, err error) {
		usage, err := c.DiskUsage(ctx, client.WithFilter(filters))
		for _, r := range usage {
			records = append(records, contract.Record{ID: r.ID, Description: r.Description, Parents: r.Parents})
		}
		return records, err
	}, id)
}
