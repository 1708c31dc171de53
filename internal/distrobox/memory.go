package distrobox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"bkt/internal/plan"
)

// A memory has what was asked about containers. As long as podman's storage has the
// stamp, they are the same ones: all else that bkt compares is settled when a
// container is made, but for whether it runs.
type memory struct {
	Stamp      string
	Containers []remembered
}

// A remembered container is one without what changes as it is used.
type remembered struct {
	ID, Name, Image, ImageID string
	Labels                   map[string]string
	Args                     []string
	Mounts                   []mount
	Inspected                bool
}

func (r remembered) container() container {
	return container{
		id: r.ID, name: r.Name, image: r.Image, imageID: r.ImageID,
		labels: r.Labels, args: r.Args, mounts: r.Mounts, inspected: r.Inspected,
	}
}

func (d Domain) memory() string { return filepath.Join(d.Cache, "containers.json") }

// recall returns what is remembered. What cannot be understood is forgotten.
func (d Domain) recall() (m memory, text []byte) {
	text, err := d.Recall(d.memory())
	if err != nil || json.Unmarshal(text, &m) != nil {
		return memory{}, nil
	}
	return m, text
}

// containers returns those that are remembered, if they are those that there are.
func (m memory) containers(stamp string) ([]container, bool) {
	var all []container
	for _, r := range m.Containers {
		all = append(all, r.container())
	}
	return all, stamp != "" && m.Stamp == stamp
}

// mounts returns the folders that a container shares with the host, and whether
// they are known.
func (m memory) mounts(c container) ([]mount, bool) {
	for _, r := range m.Containers {
		if r.ID == c.id && r.Inspected {
			return r.Mounts, true
		}
	}
	return c.mounts, c.inspected
}

// remember has a next look spare the questions about these containers.
func (s *snapshot) remember(stamp string, containers []container, before []byte) {
	m := memory{Stamp: stamp}
	for _, c := range containers {
		if now, ok := s.containers[c.name]; ok {
			c = now
		}
		m.Containers = append(m.Containers, remembered{c.id, c.name, c.image, c.imageID, c.labels, c.args, c.mounts, c.inspected})
	}
	if text, err := json.Marshal(m); err == nil && !bytes.Equal(text, before) {
		s.Remember(plan.Overwrite{Path: s.memory(), Text: text, Private: s.Cache})
	}
}

// stamp tells a state of podman's list of containers, which it writes whenever one
// is made, renamed or removed, from later ones; "" if the list is not where it
// usually is.
func (d Domain) stamp() string {
	var all strings.Builder
	for _, dir := range d.Storage {
		files, _ := filepath.Glob(filepath.Join(dir, "*-containers", "*containers.json"))
		for _, file := range files {
			info, err := os.Stat(file)
			if err != nil {
				return ""
			}
			inode := info.Sys().(*syscall.Stat_t).Ino
			fmt.Fprintf(&all, "%s %d %d %d\n", file, inode, info.ModTime().UnixNano(), info.Size())
		}
	}
	return all.String()
}
