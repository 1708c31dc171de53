// Package proxy reads which proxies build steps use: from the environment and from
// build arguments. It is pure.
//
// The value of a proxy may contain a password, so no error of this package contains
// one.
package proxy

import (
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
)

// variables are the variables that name proxies, in lower case. BuildKit gives build
// arguments with these names to all steps, and keeps them out of the image and of the
// keys of its cache, unless a Containerfile declares them with ARG.
func variables() []string {
	return []string{"all_proxy", "ftp_proxy", "http_proxy", "https_proxy", "no_proxy"}
}

// IsVariable reports whether a variable or a build argument names a proxy, in lower or
// in upper case.
func IsVariable(name string) bool { return slices.Contains(variables(), strings.ToLower(name)) }

// A Set has the values of proxies by their variables in lower case.
type Set map[string]string

// FromEnv returns the proxies that the environment names. A variable in lower case has
// precedence over one in upper case, and an empty value counts as none. env looks up a
// variable, like [os.Getenv].
func FromEnv(env func(string) string) Set {
	s := Set{}
	for _, name := range variables() {
		for _, spelling := range []string{name, strings.ToUpper(name)} {
			if value := env(spelling); value != "" && s[name] == "" {
				s[name] = value
			}
		}
	}
	return s
}

// With returns s with the proxies among build arguments, which have precedence. An
// empty argument removes a proxy. If an argument is given in both cases, the one in
// lower case counts, as in BuildKit.
func (s Set) With(args map[string]string) Set {
	all := maps.Clone(s)
	if all == nil {
		all = Set{}
	}
	for _, name := range slices.Sorted(maps.Keys(args)) { // upper case comes first
		if !IsVariable(name) {
			continue
		}
		delete(all, strings.ToLower(name))
		if value := args[name]; value != "" {
			all[strings.ToLower(name)] = value
		}
	}
	return all
}

// Secret returns the variables whose values contain a password, sorted.
func (s Set) Secret() []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(s)) {
		user, _, found := cutUser(s[name])
		if _, _, password := strings.Cut(user, ":"); found && password {
			names = append(names, name)
		}
	}
	return names
}

// Local returns the ports of 127.0.0.1 and ::1 at which proxies of s are, sorted.
func (s Set) Local() []int {
	var ports []int
	for name := range s {
		if ip, port := s.address(name); isReachable(ip) && !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}
	slices.Sort(ports)
	return ports
}

// Loopback returns the variables whose proxies are on the loopback interface, sorted.
func (s Set) Loopback() []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if ip, _ := s.address(name); ip != nil {
			names = append(names, name)
		}
	}
	return names
}

// Elsewhere returns the variables whose proxies are on the loopback interface, but at
// another of its addresses, sorted.
func (s Set) Elsewhere() []string {
	return slices.DeleteFunc(s.Loopback(), func(name string) bool {
		ip, _ := s.address(name)
		return isReachable(ip)
	})
}

// isReachable reports whether ports of an address can be opened to steps.
func isReachable(ip net.IP) bool {
	return ip.Equal(net.IPv4(127, 0, 0, 1)) || ip.Equal(net.IPv6loopback)
}

// address returns where on the loopback interface a proxy is; nil if it is elsewhere.
func (s Set) address(name string) (net.IP, int) {
	if name == "no_proxy" {
		return nil, 0
	}
	scheme, rest, found := strings.Cut(s[name], "://")
	if !found {
		scheme, rest = "http", s[name]
	}
	_, rest, _ = cutUser(rest)
	rest, _, _ = strings.Cut(rest, "/")
	host, text, err := net.SplitHostPort(rest)
	if err != nil {
		host, text = strings.Trim(rest, "[]"), defaultPort(scheme)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return nil, 0
	}
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		host = "127.0.0.1"
	}
	if ip := net.ParseIP(host); ip.IsLoopback() {
		return ip, int(port)
	}
	return nil, 0
}

// cutUser cuts the user and the password from the address of a proxy. A password may
// contain characters that no valid URL has.
func cutUser(address string) (user, rest string, found bool) {
	_, after, found := strings.Cut(address, "://")
	if found {
		address = after
	}
	i := strings.LastIndex(address, "@")
	if i < 0 {
		return "", address, false
	}
	return address[:i], address[i+1:], true
}

// defaultPort returns the port of a proxy whose address has none.
func defaultPort(scheme string) string {
	switch strings.ToLower(scheme) {
	case "http":
		return "80"
	case "https":
		return "443"
	}
	return "1080" // of SOCKS
}
