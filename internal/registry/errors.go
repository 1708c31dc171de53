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
)

// unreadable finds the status in what the library says of an answer that is not
// of the form that registries have agreed on, the type of which it keeps for
// itself.
var unreadable = regexp.MustCompile(`\bStatusCode: (\d{3}),`)

// lacksInWords says whether a registry has an answer of its own for what it has
// not got, as Harbor and Red Hat's have.
func lacksInWords(err error) bool {
	var own errcode.Error
	return errors.As(err, &own) && own.Code == errcode.ErrorCodeUnknown && strings.Contains(strings.ToLower(own.Message), "not found")
}

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
	if lacksInWords(err) {
		return http.StatusNotFound
	}
	var coded errcode.ErrorCoder
	if errors.As(err, &coded) && coded.ErrorCode() != errcode.ErrorCodeUnknown {
		return coded.ErrorCode().Descriptor().HTTPStatusCode
	}
	if err == nil {
		return 0
	}
	if found := unreadable.FindStringSubmatch(err.Error()); found != nil {
		code, _ := strconv.Atoi(found[1])
		return code
	}
	return 0
}

// explain adds to the error of a registry what the user can do about it.
func explain(err error, host string) error {
	status := statusOf(err)
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return hint.Add(err, "log in with \"podman login %s\"", host)
	case unknownHost(err):
		return hint.Add(err, "is %s the name of a registry, and is there a network?", host)
	case untrusted(err):
		return hint.Add(err, "if it is the right one, put the certificate of its authority into /etc/containers/certs.d/%s/ca.crt, or see \"insecure\" in containers-registries.conf(5)", host)
	}
	return err
}

// unknownHost says whether there is no such registry.
func unknownHost(err error) bool {
	var name *net.DNSError
	return errors.As(err, &name) && name.IsNotFound
}

// untrusted says whether a registry could not prove who it is.
func untrusted(err error) bool {
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate) || errors.Is(err, http.ErrSchemeMismatch)
}
