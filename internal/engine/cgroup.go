package engine

import (
	"os"
	"path/filepath"
)

// cgroupParent is the parent of the control groups of containers, in each
// hierarchy. BuildKit adds a group with its own name below it.
const cgroupParent = "bkt"

// removeCgroups removes the control groups of containers that a killed engine
// has left. Those in use are not empty, and stay.
func removeCgroups() {
	for _, hierarchy := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/*"} {
		groups, err := filepath.Glob(filepath.Join(hierarchy, cgroupParent, "buildkit", "*"))
		if err != nil {
			continue
		}
		for _, group := range groups {
			_ = os.Remove(group)
		}
	}
}
