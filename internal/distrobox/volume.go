package distrobox

import (
	"fmt"
	"path"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/paths"
	"bkt/internal/plan"
)

// sharedFolders returns the steps that make the folders of the host that a box shares and
// that are missing, as on a new computer: docker makes them, as root, and podman
// refuses to make the box. Only in the home are they bkt's to make, and only where
// the name is not that of a file.
func (s *snapshot) sharedFolders(b Box) ([]plan.Step, error) {
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
