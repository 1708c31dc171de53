//go:build containers_image_openpgp

package registry

import (
	"context"
	"fmt"

	"github.com/containers/image/v5/copy"
	"github.com/containers/image/v5/docker/archive"
	"github.com/containers/image/v5/oci/layout"
	"github.com/containers/image/v5/signature"
)

// Import copies the only image of a docker archive, as "docker save" writes it,
// into the OCI layout dir, which is made. Its layers are compressed.
func Import(ctx context.Context, file, dir string) error {
	from, err := archive.NewReference(file, nil)
	if err != nil {
		return err
	}
	to, err := layout.NewReference(dir, "")
	if err != nil {
		return err
	}
	// It was built on this user's behalf a moment ago: there is no signature.
	policy, err := signature.NewPolicyContext(&signature.Policy{
		Default: signature.PolicyRequirements{signature.NewPRInsecureAcceptAnything()},
	})
	if err != nil {
		return err
	}
	defer policy.Destroy()
	if _, err := copy.Image(ctx, policy, to, from, &copy.Options{}); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}
