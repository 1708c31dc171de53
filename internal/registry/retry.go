package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// retryDelays are the waits before each new attempt. For a single request, the
// library itself waits as long as Retry-After says.
var retryDelays = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}

// retry calls try again after a transient error, once after each of the delays, and
// reports that on log.
func retry(ctx context.Context, delays []time.Duration, log io.Writer, try func() error) error {
	for _, delay := range delays {
		err := try()
		if err == nil || !isTransient(err) || ctx.Err() != nil {
			return err
		}
		fmt.Fprintf(log, "bkt: %v: trying again in %v\n", err, delay)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(delay):
		}
	}
	return try()
}

// isTransient reports whether a new attempt may succeed after err: the registry is
// overloaded, broken or unreachable.
func isTransient(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if status := statusOf(err); status != 0 {
		return status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
	}
	return isConnectionError(err)
}

// isConnectionError reports whether a connection broke or failed, unless the
// host does not exist or is not trusted.
func isConnectionError(err error) bool {
	if untrusted(err) || unknownHost(err) {
		return false
	}
	var request *url.Error
	var network net.Error
	return errors.As(err, &request) || errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF)
}
