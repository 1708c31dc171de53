package registry

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"bkt/internal/hint"

	"github.com/containers/image/v5/docker"
	"github.com/docker/distribution/registry/api/errcode"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// statusText finds the status in the library's error for a response that does not have
// the form of the specification. The type of that error is not exported.
var statusText = regexp.MustCompile(`\bStatusCode: (\d{3}),`)

// saysNotFound reports whether a registry has its own response for a missing
// image, like Harbor and Red Hat's registry.
func saysNotFound(err error) bool {
	var own errcode.Error
	return errors.As(err, &own) && own.Code == errcode.ErrorCodeUnknown && strings.Contains(strings.ToLower(own.Message), "not found")
}

// statusOf returns the HTTP status of the response that err is about, or 0.
func statusOf(err error) int {
	var refused docker.ErrUnauthorizedForCredentials
	if errors.As(err, &refused) {
		return http.StatusUnauthorized
	}
	var plain statusError
	if errors.As(err, &plain) {
		return plain.code
	}
	var answer *transport.Error
	if errors.As(err, &answer) {
		return answer.StatusCode
	}
	if errors.Is(err, docker.ErrTooManyRequests) {
		return http.StatusTooManyRequests
	}
	var status docker.UnexpectedHTTPStatusError
	if errors.As(err, &status) {
		return status.StatusCode
	}
	if saysNotFound(err) {
		return http.StatusNotFound
	}
	var coded errcode.ErrorCoder
	if errors.As(err, &coded) && coded.ErrorCode() != errcode.ErrorCodeUnknown {
		return coded.ErrorCode().Descriptor().HTTPStatusCode
	}
	if err == nil {
		return 0
	}
	if found := statusText.FindStringSubmatch(err.Error()); found != nil {
		code, _ := strconv.Atoi(found[1])
		return code
	}
	return 0
}

// isForeignAnswer reports whether err is about an answer that does not have the form of the
// specification: something else than a registry has given it.
func isForeignAnswer(err error) bool {
	return err != nil && statusText.MatchString(err.Error()) && statusOf(err) != http.StatusTooManyRequests
}

// isUnexpectedSuccess reports whether err is about an answer whose status is no error, and
// not the one that a registry answers with.
func isUnexpectedSuccess(err error) bool {
	var status docker.UnexpectedHTTPStatusError
	var plain statusError
	return errors.As(err, &status) && status.StatusCode < http.StatusBadRequest || errors.As(err, &plain) && plain.code < http.StatusBadRequest
}

// explain adds hints to the error of a registry.
func explain(err error, host string) error {
	status := statusOf(err)
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return hint.Add(err, "log in with \"podman login %s\"", host)
	case isForeignAnswer(err) || isUnexpectedSuccess(err):
		return hint.Add(err, "the answer is not that of a registry: check the name, %s, and what is between this machine and the registry", host)
	case unknownHost(err):
		return hint.Add(err, "check the name of the registry, %s, and the network", host)
	case untrusted(err):
		return hint.Add(err, "if you trust it, put the certificate of its authority into /etc/containers/certs.d/%s/ca.crt, or see \"insecure\" in containers-registries.conf(5)", host)
	}
	return err
}

// unknownHost reports whether the host of a registry does not exist.
func unknownHost(err error) bool {
	var name *net.DNSError
	return errors.As(err, &name) && name.IsNotFound
}

// untrusted reports whether a registry has no certificate that is trusted.
func untrusted(err error) bool {
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate) || errors.Is(err, http.ErrSchemeMismatch)
}

// A statusError is an answer with a status that says all.
type statusError struct {
	code   int
	status string // as in the answer
}

func (e statusError) Error() string { return "received unexpected HTTP status: " + e.status }
