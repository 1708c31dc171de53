//go:build !containers_image_openpgp

package registry

import (
	"context"
	"errors"

	"bkt/internal/hint"
	"bkt/internal/ocilayout"
)

// Import returns an error: this build of bkt cannot copy images.
func Import(context.Context, string, string) error { return canCopy() }

// Export returns the error of [Import].
func Export(context.Context, ocilayout.Image, string, string) error { return canCopy() }

func canCopy() error {
	return hint.Add(errors.New("this build of bkt cannot copy images"),
		"build it with \"make build\", which sets the tag containers_image_openpgp")
}
