package registry

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/containers/image/v5/types"
)

// Timeouts say how slow a registry may be.
type timeouts struct {
	// answer is the time for a question, whose answers are small. It is long, because the
	// library waits up to a minute if a registry is overloaded and says so.
	answer time.Duration
	// piece is the time in which a registry takes some part of a blob that is pushed, or
	// completes it. Large images may take any time.
	piece time.Duration
}

// usual are the timeouts for registries. A test has shorter ones, in its context.
var usual = timeouts{answer: 2 * time.Minute, piece: 5 * time.Minute}

type timeoutsKey struct{}

func timeoutsOf(ctx context.Context) timeouts {
	if p, ok := ctx.Value(timeoutsKey{}).(timeouts); ok {
		return p
	}
	return usual
}

// within returns what ask returns, or an error if it takes too long.
func within[T any](ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	limit := timeoutsOf(ctx).answer
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the registry has not answered completely within %v", limit))
	defer cancel()
	answer, err := ask(ctx)
	if err != nil {
		err = cmp.Or(context.Cause(ctx), err)
	}
	return answer, err
}

// watched returns a context that ends if nothing arrives for too long on the channel of a
// copy's progress.
func watched(ctx context.Context) (_ context.Context, progress chan types.ProgressProperties, stop func()) {
	limit := timeoutsOf(ctx).piece
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(limit, func() { cancel(fmt.Errorf("the registry has taken nothing for %v", limit)) })
	progress = make(chan types.ProgressProperties)
	copied := make(chan struct{})
	go func() {
		for {
			select {
			case <-progress: // also once ctx has ended: the library waits until somebody receives
				timer.Reset(limit)
			case <-copied:
				return
			}
		}
	}()
	return ctx, progress, func() {
		close(copied)
		timer.Stop()
		cancel(nil)
	}
}
