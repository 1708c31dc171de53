package manager

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A Cache has earlier answers about containers. While podman's storage has the same
// stamp, the containers are the same: except whether it runs, everything about a
// container that bkt compares is fixed when it is created.
type Cache struct {
	Stamp      string
	Containers []cached
}

// A cached container has the facts that do not change while it is used.
type cached struct {
	ID, Name, Image, ImageID string
	Labels                   map[string]string
	Args                     []string
	Mounts                   []Mount
	CreateCommand            []string
	Recorded                 bool // mounts and command are known
}

// ParseCache returns the cache with this text, an empty cache if the text is invalid.
func ParseCache(text []byte) Cache {
	var c Cache
	if json.Unmarshal(text, &c) != nil {
		return Cache{}
	}
	return c
}

// NewCache returns the cache of these containers.
func NewCache(stamp string, containers []Container) Cache {
	cache := Cache{Stamp: stamp}
	for _, c := range containers {
		cache.Containers = append(cache.Containers, cached{c.ID, c.Name, c.Image, c.ImageID, c.Labels, c.Args, c.Mounts, c.CreateCommand, c.Inspected})
	}
	return cache
}

// At returns the containers that podman's storage has with a stamp, and whether they
// are known.
func (c Cache) At(stamp string) ([]Container, bool) {
	var all []Container
	for _, r := range c.Containers {
		all = append(all, Container{
			ID: r.ID, Name: r.Name, Image: r.Image, ImageID: r.ImageID,
			Labels: r.Labels, Args: r.Args, Mounts: r.Mounts, CreateCommand: r.CreateCommand, Inspected: r.Recorded,
		})
	}
	return all, stamp != "" && c.Stamp == stamp
}

// AddDetails adds to a container what an earlier answer says about its creation.
func (c Cache) AddDetails(to *Container) {
	for _, r := range c.Containers {
		if r.ID == to.ID && r.Recorded {
			to.Mounts, to.CreateCommand, to.Inspected = r.Mounts, r.CreateCommand, true
			return
		}
	}
}

// Stamp returns a text that changes whenever podman writes its list of containers, which
// it does when a container is created, renamed or removed; "" if the list is not in its
// usual place.
func (m Manager) Stamp() string {
	var all strings.Builder
	for _, dir := range m.Storage {
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
