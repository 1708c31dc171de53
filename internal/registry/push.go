//go:build containers_image_openpgp

package registry

import (
	"context"
	"fmt"
	"io"
	"time"

	"bkt/internal/image"

	"github.com/containers/image/v5/copy"
	"github.com/containers/image/v5/docker"
	"github.com/containers/image/v5/docker/reference"
	"github.com/containers/image/v5/oci/layout"
	"github.com/containers/image/v5/signature"
	"github.com/containers/image/v5/types"
	"github.com/opencontainers/go-digest"
)

// CanPush returns nil: this build of bkt can push.
func CanPush() error { return nil }

// Push copies the image l to the registry under name, with its digest as it is,
// and asks the registry whether that is what it has now. What is there already
// is not sent again. An error that may pass has it try again, a few times.
// Progress goes to log.
func Push(ctx context.Context, l image.Layout, name string, log io.Writer) error {
	return push(ctx, l, name, log, patience)
}

func push(ctx context.Context, l image.Layout, name string, log io.Writer, delays []time.Duration) error {
	to, err := parse(name)
	if err != nil {
		return err
	}
	// The layout may hold several images; ours is found by the index's only entry.
	from, err := layout.NewReference(l.Dir, "")
	if err != nil {
		return err
	}
	err = persist(ctx, delays, log, func() error {
		if err := copyImage(ctx, to, from, log); err != nil {
			return fmt.Errorf("pushing %s: %w", name, err)
		}
		return nil
	})
	return withLogin(err, reference.Domain(to.DockerReference()))
}

// copyImage copies an image, and makes sure that the registry has it.
func copyImage(ctx context.Context, to, from types.ImageReference, log io.Writer) error {
	// The image was built here a moment ago: there is no signature to ask for.
	policy, err := signature.NewPolicyContext(&signature.Policy{
		Default: signature.PolicyRequirements{signature.NewPRInsecureAcceptAnything()},
	})
	if err != nil {
		return err
	}
	defer policy.Destroy()
	sys := plainOnLoopback(to)
	sent, err := copy.Image(ctx, policy, to, from, &copy.Options{
		ReportWriter:       log,
		PreserveDigests:    true,
		ImageListSelection: copy.CopyAllImages,
		DestinationCtx:     sys,
	})
	if err != nil {
		return err
	}
	there, err := docker.GetDigest(ctx, sys, to)
	if err != nil {
		return fmt.Errorf("asking for what was pushed: %w", err)
	}
	if ours := digest.FromBytes(sent); there != ours {
		return fmt.Errorf("the registry says that it has %s, and not %s, which was pushed", there, ours)
	}
	return nil
}
