package distrobox

import (
	"fmt"
	"path"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/paths"
	"bkt/internal/plan"
)

// sharedFolders returns the steps that make the missing folders of the host that a
// container shares, as on a new computer: docker would make them as root, and podman
// would refuse to create the container. bkt makes only folders in the home, and only
// if the name is not that of a file.
func (s *snapshot) sharedFolders(b Container) ([]plan.Step, error) {
	var steps []plan.Step
	for _, v := range b.Volume {
		dir, _, _ := strings.Cut(s.expand(v), ":")
		if !path.IsAbs(dir) || !s.facts.missing[dir] {
			continue
		}
		if s.Home == "/" || !paths.Within(dir, s.Home) || strings.Contains(path.Base(dir), ".") {
			return nil, hint.Add(fmt.Errorf("volume %s: %s does not exist", v, dir), "make it, or take the volume out of the manifest")
		}
		steps = append(steps, plan.Run{Argv: []string{"mkdir", "-p", "--", path.Clean(dir)}})
	}
	return steps, nil
}
