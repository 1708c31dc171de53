package distrobox

import (
	"fmt"
	"path"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/paths"
	"bkt/internal/plan"
)

// sharedFolders returns the steps that create the missing shared folders of a container on
// the host, as on a new computer: docker would create them as root, and podman would
// refuse to create the container. bkt creates only folders in the home, and none whose
// name has a dot: that may be the name of a file.
func (s *snapshot) sharedFolders(c Container) ([]plan.Step, error) {
	var steps []plan.Step
	for _, v := range c.Volume {
		dir, _, _ := strings.Cut(s.expand(v), ":")
		if !path.IsAbs(dir) || !s.facts.missing[dir] {
			continue
		}
		if s.Home == "/" || !paths.Within(dir, s.Home) || strings.Contains(path.Base(dir), ".") {
			return nil, hint.Add(fmt.Errorf("volume %s: %s does not exist", v, dir), "create it, or remove the volume from the manifest")
		}
		steps = append(steps, plan.Run{Argv: []string{"mkdir", "-p", "--", path.Clean(dir)}})
	}
	return steps, nil
}
