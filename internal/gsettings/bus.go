package gsettings

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/manifest"
)

// busError returns why settings cannot be set, before dconf is asked once for each
// key. Nothing is set if nothing is declared, and then the bus is not asked.
func (d Domain) busError(declared []manifest.Setting) error {
	if len(declared) == 0 {
		return nil
	}
	return answers(d.Bus)
}

// answers returns an error if nobody listens at the address of a bus.
func answers(address string) error {
	var last error
	for _, a := range strings.Split(address, ";") {
		path, ok := socket(a)
		if !ok {
			return nil // that of a kind which dconf will know
		}
		c, err := net.Dial("unix", path)
		if err == nil {
			return c.Close()
		}
		last = err
	}
	return hint.Add(fmt.Errorf("the session bus does not answer, and without it nothing can be set: %w", last),
		"log in to the desktop, or unset DBUS_SESSION_BUS_ADDRESS, so that a bus is started for it")
}

// socket returns the path of the socket of an address, as net has it.
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
