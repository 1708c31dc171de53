package gen

import (
	"fmt"
	"strings"

	"bkt/internal/dockerfile"
	"bkt/internal/hint"
	"bkt/internal/manifest"
)

// A From is the base of the image of a Containerfile.
type From struct {
	Base  manifest.Base // empty: FROM scratch
	Line  int           // of the FROM
	Flags []string      // of the FROM, such as --platform=linux/amd64
	Args  bool          // the FROM has arguments, whose defaults are in Base
}

// FromOf returns the image that the last stage of src is built on, perhaps through
// other stages. src is the text of the Containerfile file.
//
// The error has file and line. It is for a text that cannot be parsed, and for a
// FROM whose value only a build knows.
func FromOf(file string, src []byte) (From, error) {
	r, err := prepare(file, src, nil)
	if err != nil {
		return From{}, err
	}
	if _, err := (Result{Text: src}).Parse(file); err != nil {
		return From{}, err
	}
	s := r.currentStages()
	i := s.Origin(s.Final())
	if i < 0 {
		return From{}, fmt.Errorf("%s: the last stage has no FROM", file)
	}
	return fromOf(s, file, i)
}

// fromOf returns the base of stage i, which is FROM no other stage.
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
	case ForeignPrefix(image) != "":
		return f, fmt.Errorf("%s: FROM %s: BuildKit reads only images of registries", place, stage.Image)
	}
	f.Base, f.Args = manifest.ParseBase(image), image != stage.Image
	f.Base.As = stage.Name
	if err := f.Base.Check(); err != nil {
		return f, hint.Add(fmt.Errorf("%s: FROM %s: %w", place, stage.Image, err), "correct the FROM")
	}
	return f, nil
}

// foreignImages are prefixes for images outside of registries, which other builders
// read.
var foreignImages = []string{"oci:", "oci-archive:", "docker-archive:", "docker-daemon:", "containers-storage:", "dir:"}

// ForeignPrefix returns the prefix of the name of an image outside of registries, such as
// "oci:", and "" for any other name.
func ForeignPrefix(image string) string {
	for _, prefix := range foreignImages {
		if strings.HasPrefix(image, prefix) {
			return prefix
		}
	}
	return ""
}
