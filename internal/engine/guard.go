package engine

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"bkt/internal/realm"

	"github.com/containerd/containerd/v2/core/remotes/docker"
)

// guarded returns hosts that never send credentials without TLS to any realm or
// redirection of a registry that has TLS. bkt, which has the credentials, gives none to
// a registry with the realm of another host.
func guarded(hosts docker.RegistryHosts) docker.RegistryHosts {
	return func(name string) ([]docker.RegistryHost, error) {
		all, err := hosts(name)
		for i, h := range all {
			client := http.Client{}
			if h.Client != nil {
				client = *h.Client
			}
			if client.Transport == nil {
				client.Transport = http.DefaultTransport
			}
			client.Transport = guard{client.Transport, &url.URL{Scheme: h.Scheme, Host: h.Host}}
			all[i].Client = &client
		}
		return all, err
	}
}

// guard is the transport of the client of one registry.
type guard struct {
	inner    http.RoundTripper
	registry *url.URL
}

// CloseIdleConnections implements an optional method of transports.
func (g guard) CloseIdleConnections() {
	if c, ok := g.inner.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func (g guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if hasCredentials(r) && !realm.IsPrivate(g.registry, r.URL) {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, fmt.Errorf("%s wants its credentials to be sent to %s://%s without encryption: they were not sent", g.registry.Host, r.URL.Scheme, r.URL.Host)
	}
	return g.inner.RoundTrip(r)
}

// hasCredentials reports whether a request has a password in its header, or is
// a form, which may have one in its body.
func hasCredentials(r *http.Request) bool {
	_, _, basic := r.BasicAuth()
	return basic || strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}
