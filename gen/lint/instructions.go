package lint

import (
	"errors"
	"slices"

	"bkt/gen"
	"bkt/internal/dockerfile"
	"bkt/internal/finding"
	"bkt/internal/hint"
	"bkt/internal/imagerule"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// lintUserInstructions checks the paths that the user's own instructions write in a
// bootable image. A path that bootc refuses is an error, one that bootc ignores or
// merges badly a warning. Only the last stage and those that it is FROM are part of the
// image.
func (d reading) lintUserInstructions(parsed []instructions.Stage) (warnings []error, err error) {
	if gen.ImageOf(d.file) != gen.System || len(parsed) != len(d.now.All) {
		return nil, nil
	}
	var errs []error
	for _, i := range slices.Backward(d.now.Lineage(d.now.Final())) {
		for _, c := range parsed[i].Commands {
			if d.r.SectionAt(dockerfile.LineOf(c)) != "" {
				continue
			}
			for _, p := range imagerule.CheckInstruction(c) {
				line, level := dockerfile.LineOf(c), finding.Warning
				if p.Fatal {
					line, level = d.r.LineBefore(line), finding.Error // nothing is written
				}
				f := hint.Add(d.at(level, p.Rule, line, "%s", p.What), "%s", p.Advice)
				if p.Fatal {
					errs = append(errs, f)
				} else {
					warnings = append(warnings, f)
				}
			}
		}
	}
	return warnings, errors.Join(errs...)
}
