// Package realm decides where the credentials for a registry may be sent. A
// registry names the address of its token server, its realm, and can name any
// address.
package realm

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// IsOwn reports whether a realm is the registry's own: at the same address or,
// over TLS, at the same host or in the same domain, like auth.docker.io and
// registry-1.docker.io. On this machine the port must be the same.
func IsOwn(registry, realm *url.URL) bool {
	if sameOrigin(registry, realm) {
		return true
	}
	if realm.Scheme != "https" {
		return false
	}
	here, there := hostname(registry), hostname(realm)
	if here == there {
		return !isShared(here)
	}
	return domain(here) != "" && domain(here) == domain(there)
}

// IsPrivate reports whether the connection to a realm is encrypted, or goes to
// the address of the registry itself.
func IsPrivate(registry, realm *url.URL) bool {
	return realm.Scheme == "https" || sameOrigin(registry, realm)
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && hostname(a) == hostname(b) && port(a) == port(b)
}

func hostname(u *url.URL) string {
	return strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// isShared reports whether a host is or may be this machine, where each port
// can belong to another user: a number such as 127.1 may be its address.
func isShared(host string) bool {
	ip := net.ParseIP(host)
	if ip != nil {
		return ip.IsLoopback() || ip.IsUnspecified()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || isNumber(host)
}

// isNumber reports whether resolvers may read a name as an address: its last
// part is a number.
func isNumber(host string) bool {
	_, err := strconv.ParseUint(host[strings.LastIndexByte(host, '.')+1:], 0, 64)
	return err == nil
}

// domain returns the registered domain of a name; "" if it has none, like an
// address.
func domain(host string) string {
	if net.ParseIP(host) != nil || isShared(host) {
		return ""
	}
	name, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return ""
	}
	return name
}
