package engine

import (
	"os"
	"path/filepath"
)

// cgroupParent is the parent of the control groups of containers, in each
// hierarchy. BuildKit adds a group with its own name below it. All engines of a machine
// have the same parent.
const cgroupParent = "bkt"

// cgroupMount is where the hierarchies of control groups are mounted: one hierarchy, or one for
// each controller.
const cgroupMount = "/sys/fs/cgroup"

// removeCgroups removes the control groups of containers that a killed engine has left, by
// their ids. Those in use are not empty, and stay. Other groups may belong to another engine
// that is about to use them.
func removeCgroups(mount string, containers []string) {
	for _, id := range containers {
		for _, hierarchy := range []string{".", "*"} {
			groups, err := filepath.Glob(filepath.Join(mount, hierarchy, cgroupParent, "buildkit", id))
			if err != nil {
				continue
			}
			for _, group := range groups {
				_ = os.Remove(group)
			}
		}
	}
}

// leftContainers returns the ids of the containers that ran in a killed engine, from its
// executor's folder, which has a folder for each.
func leftContainers(executor string) (ids []string) {
	entries, _ := os.ReadDir(executor)
	for _, e := range entries {
		if e.IsDir() {
			ids = append(ids, e.Name())
		}
	}
	return ids
}
