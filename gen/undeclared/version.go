package undeclared

import (
	"fmt"

	"bkt/internal/finding"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/script"
)

// Versions returns the losses that are another tag or another digest of the declared base
// image, in a section that bkt has rendered. A program that updates images, such as
// Renovate or Dependabot, may have changed the text, and not the manifest.
func (l Losses) Versions() Losses {
	return l.filter(func(s statement) bool { return s.Kind == script.Image && l.own[s.section] })
}

// WithoutDigests returns the losses without digests of the declared tag, which are
// older than the declared digest.
func (l Losses) WithoutDigests() Losses {
	return l.filter(func(s statement) bool {
		tag, _ := version(s.Name)
		declared, _ := version(l.base.Text)
		return s.Kind != script.Image || tag != declared
	})
}

// VersionStops returns an error for each of Versions, which names the declared image. Its
// hint has the commands that take the text and that drop it.
func (l Losses) VersionStops() []error {
	var all []error
	for _, s := range l.Versions().lost {
		what := fmt.Sprintf("FROM has %s, but %s declares %s", s.Name, l.base.Place(), l.base.Text)
		err := finding.Finding{Rule: "not-declared", Place: finding.Place{File: l.file, Line: s.Line}, Message: what}
		all = append(all, hint.Add(err, "run \"bkt containerfile sync --take text%[1]s\" to take the image of the FROM into %[2]s, or \"bkt containerfile sync --take manifest%[1]s\" to replace it",
			l.argument(), manifest.ImagePath))
	}
	return all
}
