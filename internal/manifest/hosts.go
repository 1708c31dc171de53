package manifest

import (
	"errors"
	"slices"
	"strings"

	"bkt/internal/hint"
)

// Hosts are the names of the computers that an item is for. None means all.
type Hosts []string

// Include reports whether the item is for the computer called host.
func (h Hosts) Include(host string) bool {
	return len(h) == 0 || slices.Contains(h, host)
}

func (h Hosts) canonical() Hosts { return sorted(h, strings.Compare) }

var errNoHost = hint.Add(errors.New("hosts has no name in it"),
	`leave hosts out where an item is for every host`)

func checkHost(name string) error {
	return hint.Add(checkSpelling(name, letters, letters.and(".-")), `a host is named as by "hostname", such as "laptop"`)
}
