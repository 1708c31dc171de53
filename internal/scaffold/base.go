package scaffold

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"bkt/gen"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/repo"
)

// From is the FROM instruction of the last stage in the Containerfile of an image.
type From struct{ gen.From }

// Base returns the base image that reference names. If f has the same image, the result
// keeps the name of its stage.
func (f From) Base(reference string) manifest.Base {
	if f.From.Base.String() == reference {
		return f.From.Base
	}
	return manifest.ParseBase(reference)
}

// UnknownBase is the error for a base image that cannot be determined from the
// repository. The user can name it.
type UnknownBase struct{ error }

// Unwrap returns the reason.
func (u *UnknownBase) Unwrap() error { return u.error }

// ReadBase reads the base image of an image from its Containerfile. found is false if the
// repository has no Containerfile for the image. The error is an *[UnknownBase] if the
// base cannot be determined; flag is the one that names it.
func ReadBase(r repo.Repo, k gen.Image, flag string) (from From, found bool, err error) {
	name := gen.Containerfile(k)
	text, err := fs.ReadFile(r.FS(), name)
	if errors.Is(err, fs.ErrNotExist) {
		return From{}, false, otherRecipe(r, k, flag)
	}
	if err != nil {
		return From{}, false, patherr.TrimOp(err)
	}
	read, err := gen.FromOf(name, text)
	if err != nil {
		err = fmt.Errorf("cannot determine the base image of the %s: %w", k, err)
		return From{}, false, &UnknownBase{hint.Add(err, "set it with %s IMAGE", flag)}
	}
	return From{read}, true, nil
}

// otherRecipe returns an error if the image k has a Containerfile under a name that bkt
// does not read.
func otherRecipe(r repo.Repo, k gen.Image, flag string) error {
	name := gen.Containerfile(k)
	for _, pattern := range []string{"Dockerfile", "Containerfile?*", "Dockerfile?*"} {
		found, err := fs.Glob(r.FS(), path.Join(path.Dir(name), pattern))
		if err != nil {
			return err
		}
		if len(found) == 0 {
			continue
		}
		err = fmt.Errorf("cannot determine the base image of the %s: %s exists, but %s does not", k, found[0], name)
		return &UnknownBase{hint.Add(err, "rename it to %s, or set the base image of a new one with %s IMAGE", name, flag)}
	}
	return nil
}
