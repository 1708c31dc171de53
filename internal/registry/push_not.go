//go:build !containers_image_openpgp

package registry

import (
	"context"
	"errors"
	"io"

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
