package gen

import (
	"fmt"
	"slices"
	"strings"

	"bkt/internal/dockerfile"
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
	if _, err := (Result{Text: src}).Parse(file); err != nil {
		return From{}, err
	}
	s := r.stagesUntilNow()
	i := s.Origin(s.Final())
	if i < 0 {
		return From{}, fmt.Errorf("%s: the last stage has no FROM", file)
	}
	return fromOf(s, file, i)
}

// fromOf returns what stage i is built on, which is FROM no other stage.
func fromOf(s dockerfile.Stages, file string, i int) (From, error) {
	stage := s.All[i]
	f := From{Line: stage.Line + 1, Flags: stage.Flags}
	place := fmt.Sprintf("%s:%d", file, f.Line)
	image, known := s.Base(i)
	switch {
	case !known:
		return f, fmt.Errorf("%s: FROM %s: an argument in it has no default", place, stage.Image)
	case image == "scratch":
		return f, nil
	case slices.ContainsFunc(foreignImages, func(prefix string) bool { return strings.HasPrefix(image, prefix) }):
		return f, fmt.Errorf("%s: FROM %s: BuildKit reads images of registries alone", place, stage.Image)
	}
	f.Base, f.Args = manifest.ParseBase(image), image != stage.Image
	f.Base.As = stage.Name
	if err := f.Base.Check(); err != nil {
		return f, hint.Add(fmt.Errorf("%s: FROM %s: %w", place, stage.Image, err), "correct the FROM")
	}
	return f, nil
}

// foreignImages are how other builders write images that are in no registry.
var foreignImages = []string{"oci:", "oci-archive:", "docker-archive:", "docker-daemon:", "containers-storage:", "dir:"}
