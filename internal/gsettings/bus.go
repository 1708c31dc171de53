package gsettings

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/manifest"
)

// busError returns an error if nothing can be set, so that dconf does not fail once for
// each key. If nothing is declared, nothing is set, and it does not connect to the bus.
func (d Domain) busError(declared []manifest.Setting) error {
	if len(declared) == 0 {
		return nil
	}
	return answers(d.Bus)
}

// answers returns an error if no bus listens at an address.
func answers(address string) error {
	var last error
	for _, a := range strings.Split(address, ";") {
		path, ok := socket(a)
		if !ok {
			return nil // dconf knows other kinds of addresses
		}
		c, err := net.Dial("unix", path)
		if err == nil {
			return c.Close()
		}
		last = err
	}
	return hint.Add(fmt.Errorf("the session bus does not answer, and settings cannot be set without it: %w", last),
		"log in to the desktop, or unset DBUS_SESSION_BUS_ADDRESS, so that bkt starts a bus")
}

// socket returns the path of the socket of an address, in the form of package net.
func socket(address string) (string, bool) {
	keys, ok := strings.CutPrefix(address, "unix:")
	if !ok {
		return "", false
	}
	for _, pair := range strings.Split(keys, ",") {
		key, value, _ := strings.Cut(pair, "=")
		value, err := url.PathUnescape(value)
		switch {
		case err != nil:
		case key == "path":
			return value, true
		case key == "abstract":
			return "@" + value, true
		}
	}
	return "", false
}
