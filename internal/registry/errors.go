package registry

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"bkt/internal/hint"

	"github.com/containers/image/v5/docker"
	"github.com/docker/distribution/registry/api/errcode"
)

// statusOf returns the HTTP status of what a registry has answered, 0 if err is
// no such answer.
func statusOf(err error) int {
	var refused docker.ErrUnauthorizedForCredentials
	if errors.As(err, &refused) {
		return http.StatusUnauthorized
	}
	if errors.Is(err, docker.ErrTooManyRequests) {
		return http.StatusTooManyRequests
	}
	var status docker.UnexpectedHTTPStatusError
	if errors.As(err, &status) {
		return status.StatusCode
	}
	var coded errcode.ErrorCoder
	if errors.As(err, &coded) && coded.ErrorCode() != errcode.ErrorCodeUnknown {
		return coded.ErrorCode().Descriptor().HTTPStatusCode
	}
	// The library keeps the type of answers that it cannot read for itself.
	for _, code := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests} {
		if err != nil && strings.Contains(err.Error(), fmt.Sprintf("StatusCode: %d,", code)) {
			return code
		}
	}
	return 0
}

// withLogin adds to the error of a registry that refuses how to log in to it.
func withLogin(err error, host string) error {
	if status := statusOf(err); status == http.StatusUnauthorized || status == http.StatusForbidden {
		return hint.Add(err, "log in with \"podman login %s\"", host)
	}
	return err
}
