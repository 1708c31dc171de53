package buildkit

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bkt/internal/engineclient"
	"bkt/internal/hint"
)

// checkAbilities returns an error for each thing that p asks for and the engine
// cannot do.
func (p *part) checkAbilities(c *engineclient.Connection) error {
	var errs []error
	cannot := func(can bool, format string, args ...any) {
		if !can {
			err := fmt.Errorf("%s cannot "+format, append([]any{c.Name()}, args...)...)
			errs = append(errs, hint.Add(err, "%s", otherEngine(c)))
		}
	}
	layouts := slices.Sorted(maps.Keys(p.spec.Images))
	cannot(c.ReadsLayouts || len(layouts) == 0, "read images from a folder: %s", strings.Join(layouts, ", "))
	several := len(p.spec.Platforms) > 1
	cannot(c.WritesLayouts || !several, "build for several platforms: %s", strings.Join(p.spec.Platforms, ", "))
	if several && !c.WritesLayouts {
		errs[len(errs)-1] = hint.Add(errs[len(errs)-1], "build for one of them: --platform %s", p.spec.Platforms[0])
	}
	cannot(c.WritesLayouts || len(p.Exports) == 0, "write the image in another form")
	cannot(c.WritesLayouts || len(p.Attest) == 0, "add attestations")
	for _, cache := range p.opt.CacheExports {
		cannot(c.WritesLayouts || cache.Type == "inline", "write a cache of the type %s", cache.Type)
	}
	return errors.Join(errs...)
}

// otherEngine returns the hint for a feature that the engine lacks.
func otherEngine(c *engineclient.Connection) string {
	if c.Daemon == nil {
		return "build with another engine: see \"bkt doctor\" and --engine"
	}
	return "build with another engine: see \"bkt doctor\" and --engine; or make dockerd store images in containerd's store"
}
