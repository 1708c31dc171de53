package gen

import (
	"fmt"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/manifest"
)

// A From is what the image of a Containerfile is built on.
type From struct {
	Base  manifest.Base // empty: on nothing
	Line  int           // of the FROM
	Flags []string      // of the FROM, such as --platform=linux/amd64
	Args  bool          // the FROM has arguments, whose defaults are in Base
}

// FromOf returns what the image is built on that src describes, the text of the
// Containerfile file: what its last stage is FROM, by way of other stages perhaps.
//
// It returns an error, with file and line, if the text cannot be read, or if what
// it says is known only when it is built.
func FromOf(file string, src []byte) (From, error) {
	r, err := prepare(file, src, nil)
	if err != nil {
		return From{}, err
	}
	if _, err := parse(file, Result{Text: src}); err != nil {
		return From{}, err
	}
	s := r.stagesUntilNow()
	i := s.origin(s.final())
	if i < 0 {
		return From{}, fmt.Errorf("%s: the last stage has no FROM", file)
	}
	return s.from(file, i)
}

// from returns what stage i is built on, which is FROM no other stage.
func (s stages) from(file string, i int) (From, error) {
	stage := s.all[i]
	f := From{Line: stage.line + 1, Flags: stage.flags}
	place := fmt.Sprintf("%s:%d", file, f.Line)
	image, known := s.base(i)
	switch {
	case !known:
		return f, fmt.Errorf("%s: FROM %s: an argument in it has no default", place, stage.image)
	case image == "scratch":
		return f, nil
	case slices.ContainsFunc(foreignImages, func(prefix string) bool { return strings.HasPrefix(image, prefix) }):
		return f, fmt.Errorf("%s: FROM %s: BuildKit reads images of registries alone", place, stage.image)
	}
	f.Base, f.Args = manifest.ParseBase(image), image != stage.image
	f.Base.As = stage.name
	if err := f.Base.Check(); err != nil {
		return f, hint.Add(fmt.Errorf("%s: FROM %s: %w", place, stage.image, err), "correct the FROM")
	}
	return f, nil
}

// foreignImages are how other builders write images that are in no registry.
var foreignImages = []string{"oci:", "oci-archive:", "docker-archive:", "docker-daemon:", "containers-storage:", "dir:"}
