package lint

import (
	"slices"

	"bkt/gen/flow"
	"bkt/internal/dockerfile"
	"bkt/internal/finding"
	"bkt/internal/hint"
)

// unchecked returns a warning if sections of the image are below bootc container lint,
// which the image does not run again after them.
func (d reading) unchecked() []error {
	lineage := d.now.Lineage(d.now.Final())
	last := 0 // line of the last lint, from 1
	for _, in := range dockerfile.ReadInstructions(string(d.r.Text)) {
		if slices.Contains(lineage, d.now.At(in.Line)) && flow.Lints(in) {
			last = in.Line + 1
		}
	}
	if last == 0 {
		return nil
	}
	for _, o := range d.r.Origins {
		if o.Line > last && o.Position.Line > 0 && slices.Contains(lineage, d.now.At(o.Line-1)) {
			err := d.at(finding.Warning, "not-checked", o.Line, "section %s is below bootc container lint (line %d), which does not check it", o.Section, last)
			return []error{hint.Add(err, "move line %d below the section", last)}
		}
	}
	return nil
}
