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

// patience is how long to wait before what did not come about is tried again,
// each time.
var patience = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}

// persist tries again what fails for a reason that may pass, after each of the
// delays. It says so on log.
func persist(ctx context.Context, delays []time.Duration, log io.Writer, try func() error) error {
	for _, delay := range delays {
		err := try()
		if err == nil || !passes(err) || ctx.Err() != nil {
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

// passes says whether err is one that may be gone when the same is tried again:
// the registry has too much to do, or is broken or out of reach.
func passes(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if status := statusOf(err); status != 0 {
		return status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
	}
	return ofConnection(err)
}

// ofConnection says whether err is that of a connection which broke or did not
// come about, for another reason than that the two sides do not fit.
func ofConnection(err error) bool {
	if untrusted(err) || unknownHost(err) {
		return false
	}
	var request *url.Error
	var network net.Error
	return errors.As(err, &request) || errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF)
}
