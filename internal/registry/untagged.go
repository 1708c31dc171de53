//go:build !containers_image_openpgp

package registry

import (
	"context"
	"errors"
	"io"

	"bkt/internal/engine/contract"
	"bkt/internal/hint"
	"bkt/internal/image"
)

// CanPush returns an error: this build of bkt cannot push.
func CanPush() error {
	return hint.Add(errors.New("this bkt was built without the part that pushes images"),
		"build it with \"make build\", which sets the tag containers_image_openpgp")
}

// Push returns the error of [CanPush].
func Push(context.Context, image.Layout, string, io.Writer) error { return CanPush() }

// Allow returns an error: this build of bkt cannot verify signatures, and does
// not act as if it had.
func Allow(context.Context, ...string) ([]contract.Allowed, error) {
	return nil, hint.Add(errors.New("this bkt was built without the part that verifies signatures"),
		"build it with \"make build\", which sets the tag containers_image_openpgp")
}
