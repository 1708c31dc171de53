package distrobox

import (
	"encoding/json"
	"os"
	"path/filepath"

	"bkt/internal/plan"
)

// A memory has what folders the host shares with a container, by the container's
// id. They are settled when it is made.
type memory map[string][]mount

func (d *Domain) memory() string { return filepath.Join(d.Cache, "mounts.json") }

// recall fills in what is remembered of containers, and returns the ids of those
// that bkt has not made and does not remember.
func (d *Domain) recall() (unknown []string) {
	var m memory
	text, err := os.ReadFile(d.memory())
	if err != nil || json.Unmarshal(text, &m) != nil {
		m = nil // what cannot be understood is forgotten
	}
	for name, c := range d.seen.containers {
		if _, ok := entry(c, c.name); ok || c.inspected {
			continue
		}
		if c.mounts, c.inspected = m[c.id]; !c.inspected {
			unknown = append(unknown, c.id)
			continue
		}
		d.seen.containers[name] = c
	}
	return unknown
}

// remember has the next look spare the question about these containers.
func (d *Domain) remember() {
	m := memory{}
	for _, c := range d.seen.containers {
		if c.inspected {
			m[c.id] = c.mounts
		}
	}
	if text, err := json.Marshal(m); err == nil {
		d.Remember(plan.Put{Path: d.memory(), Text: text})
	}
}
