package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"bkt/internal/hint"

	"github.com/docker/distribution/registry/api/errcode"
	v2 "github.com/docker/distribution/registry/api/v2"
)

// retryDelays are the waits before each new attempt. For requests without a body, the
// library itself waits as long as Retry-After says.
var retryDelays = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}

// A registry that is busy gets more attempts: the delays go on to double, up to a minute,
// which is some three minutes in all.
const (
	busyAttempts = 8
	longestDelay = time.Minute
)

// longestAsked is the longest time that bkt waits because a registry asks for it.
const longestAsked = 5 * time.Minute

// A busyError says that a registry is busy, and how long it asks to wait.
type busyError struct {
	error
	after time.Duration
}

func (e busyError) Unwrap() error { return e.error }

// retry calls try again after an error that isTransient, and reports that on log. After an
// error of a registry that is busy, it waits as long as the registry asks for.
func retry(ctx context.Context, delays []time.Duration, log io.Writer, isTransient func(error) bool, try func() error) error {
	for n := 0; ; n++ {
		err := try()
		if err == nil || !isTransient(err) || ctx.Err() != nil {
			return err
		}
		delay, ok := nextDelay(delays, n, err)
		if !ok {
			return gaveUp(n, err)
		}
		fmt.Fprintf(log, "bkt: %v: trying again in %v\n", err, delay)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(delay):
		}
	}
}

// nextDelay returns the wait after attempt n, from 0, which ended with err. It is not ok
// after the last attempt.
func nextDelay(delays []time.Duration, n int, err error) (delay time.Duration, ok bool) {
	busy, asked := errors.AsType[busyError](err)
	switch {
	case len(delays) == 0:
		return 0, false
	case asked && busy.after > 0:
		return busy.after, n < busyAttempts && busy.after <= longestAsked
	case n < len(delays):
		return delays[n], true
	case statusOf(err) == http.StatusTooManyRequests && n < busyAttempts:
		return min(delays[len(delays)-1]<<(n-len(delays)+1), longestDelay), true
	}
	return 0, false
}

// gaveUp adds to err, of attempt n, what a user can do about a busy registry.
func gaveUp(n int, err error) error {
	if busy, asked := errors.AsType[busyError](err); asked && busy.after > longestAsked {
		return hint.Add(err, "the registry asks to wait %v: run the command again then", busy.after)
	}
	if statusOf(err) == http.StatusTooManyRequests && n > 0 {
		return hint.Add(err, "the registry is still busy after %d attempts: run the command again later; what has arrived is not sent again", n+1)
	}
	return err
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

// isTransientPush is [isTransient] for a push. Front ends of registries answer uploads in
// the place of the registry, with a page of HTML or with a status that no registry has for
// the request, and registries lose uploads or do not yet know what has just arrived.
func isTransientPush(err error) bool {
	if isTransient(err) {
		return true
	}
	status := statusOf(err)
	var coded errcode.ErrorCoder
	switch {
	case status == 0 || status == http.StatusUnauthorized || status == http.StatusForbidden || status >= http.StatusInternalServerError:
		return false
	case isUnexpectedSuccess(err):
		return true
	case errors.As(err, &coded):
		return slices.Contains([]errcode.ErrorCode{v2.ErrorCodeBlobUploadUnknown, v2.ErrorCodeBlobUploadInvalid,
			v2.ErrorCodeBlobUnknown, v2.ErrorCodeManifestBlobUnknown, v2.ErrorCodeDigestInvalid, v2.ErrorCodeSizeInvalid}, coded.ErrorCode())
	}
	return isForeignAnswer(err)
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
