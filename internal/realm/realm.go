// Package realm says where the credentials for a registry may be sent. Registries
// name the address that gives out tokens for them, their realm, and whoever has
// a registry's answers in hand can name any.
package realm

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// IsOwn reports whether a realm is the registry's own: at the same address, or,
// over TLS, at the same host or one of the same owner, as auth.docker.io is to
// registry-1.docker.io. On this machine, each port may be another's.
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

// IsPrivate reports whether no one else reads what is sent to a realm than those
// who read what is sent to the registry.
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

// isShared reports whether a host is this machine, each port of which may be
// another user's, or may be: a number that is no whole address, such as 127.1.
func isShared(host string) bool {
	ip := net.ParseIP(host)
	if ip != nil {
		return ip.IsLoopback() || ip.IsUnspecified()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || isNumber(host)
}

// isNumber reports whether resolvers may take a name for an address: its last
// part is a number.
func isNumber(host string) bool {
	_, err := strconv.ParseUint(host[strings.LastIndexByte(host, '.')+1:], 0, 64)
	return err == nil
}

// domain returns the part of a name that someone has registered, "" if there is
// none, as with addresses.
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
