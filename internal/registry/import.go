//go:build containers_image_openpgp

package registry

import (
	"context"
	"errors"
	"fmt"
	"os"

	"bkt/internal/ocilayout"

	"github.com/containers/image/v5/copy"
	"github.com/containers/image/v5/docker/archive"
	"github.com/containers/image/v5/docker/reference"
	"github.com/containers/image/v5/oci/layout"
	"github.com/containers/image/v5/signature"
	"github.com/containers/image/v5/types"
)

// Import copies the only image of a docker archive, as "docker save" writes it,
// into the new OCI layout dir, and compresses its layers.
func Import(ctx context.Context, file, dir string) error {
	from, err := archive.NewReference(file, nil)
	if err != nil {
		return err
	}
	to, err := layout.NewReference(dir, "")
	if err != nil {
		return err
	}
	if err := copyLocal(ctx, to, from, nil); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// Export writes a docker archive with the image l under a name; if l is for
// several platforms, the image for this computer. It is an error if the layout
// no longer holds the image.
func Export(ctx context.Context, l ocilayout.Image, file, name string) error {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return fmt.Errorf("image %q: %w", name, err)
	}
	tagged, ok := reference.TagNameOnly(named).(reference.NamedTagged)
	if !ok {
		return fmt.Errorf("image %q: has a digest, but an archive needs a tag", name)
	}
	dir, err := os.MkdirTemp("", "bkt-export-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := open(l, dir)
	if err != nil {
		return err
	}
	to, errTo := archive.NewReference(file, tagged)
	from, errFrom := s.whole()
	if err := errors.Join(errTo, errFrom); err != nil {
		return err
	}
	if err := copyLocal(ctx, to, from, &types.SystemContext{OCISharedBlobDirPath: s.BlobsDir()}); err != nil {
		return fmt.Errorf("%s: %w", l.Dir, err)
	}
	return nil
}

// copyLocal copies an image that this user has just built, and does not verify
// signatures.
func copyLocal(ctx context.Context, to, from types.ImageReference, sys *types.SystemContext) error {
	policy, err := signature.NewPolicyContext(&signature.Policy{
		Default: signature.PolicyRequirements{signature.NewPRInsecureAcceptAnything()},
	})
	if err != nil {
		return err
	}
	defer policy.Destroy()
	_, err = copy.Image(ctx, policy, to, from, &copy.Options{SourceCtx: sys})
	return err
}
