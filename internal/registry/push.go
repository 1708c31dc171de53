//go:build containers_image_openpgp

package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"bkt/internal/image"

	"github.com/containers/image/v5/copy"
	"github.com/containers/image/v5/docker"
	"github.com/containers/image/v5/manifest"
	"github.com/containers/image/v5/oci/layout"
	"github.com/containers/image/v5/signature"
	"github.com/containers/image/v5/types"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// CanPush returns nil: this build of bkt can push.
func CanPush() error { return nil }

// Push copies the image l to the registry under name, with its digest as it is,
// and asks the registry whether that is what it has now. What is there already,
// all or a part, is not sent again. An error that may pass has it try again, a few times.
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
	aside, err := os.MkdirTemp("", "bkt-push-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(aside)
	all, err := parts(l.Dir, aside, from, to)
	if err != nil {
		return err
	}
	err = persist(ctx, delays, log, func() error {
		if isThere(ctx, from, to) {
			fmt.Fprintf(log, "bkt: %s is there already\n", name)
			return nil
		}
		if err := copyAll(ctx, l.Dir, all, part{to, from}, log); err != nil {
			return fmt.Errorf("pushing %s: %w", name, err)
		}
		return nil
	})
	return explain(err, host(to))
}

// isThere says whether a registry has an image under its name by now. What else
// there is to say of the registry, the push itself says.
func isThere(ctx context.Context, from, to types.ImageReference) bool {
	d, err := layout.LoadManifestDescriptor(from)
	if err != nil {
		return false
	}
	there, err := docker.GetDigest(ctx, plainOnLoopback(to), to)
	return err == nil && there == d.Digest
}

// copyAll copies the parts of an image from a layout and then the whole, and
// makes sure that the registry has it.
func copyAll(ctx context.Context, dir string, parts []part, whole part, log io.Writer) error {
	blobs := filepath.Join(dir, ocispec.ImageBlobsDir)
	for _, p := range parts {
		if _, err := copyImage(ctx, p, blobs, log); err != nil {
			return err
		}
	}
	sent, err := copyImage(ctx, whole, blobs, log)
	if err != nil {
		return err
	}
	there, err := docker.GetDigest(ctx, plainOnLoopback(whole.to), whole.to)
	if errors.Is(err, digest.ErrDigestInvalidFormat) { // a registry need not say it
		return nil
	}
	if err != nil {
		return fmt.Errorf("asking for what was pushed: %w", err)
	}
	if there != sent {
		return fmt.Errorf("the registry says that it has %s, and not %s, which was pushed", there, sent)
	}
	return nil
}

// copyImage copies an image, or an index without the images in it, and returns
// its digest.
func copyImage(ctx context.Context, p part, blobs string, log io.Writer) (digest.Digest, error) {
	// The image was built here a moment ago: there is no signature to ask for.
	policy, err := signature.NewPolicyContext(&signature.Policy{
		Default: signature.PolicyRequirements{signature.NewPRInsecureAcceptAnything()},
	})
	if err != nil {
		return "", err
	}
	defer policy.Destroy()
	text, err := copy.Image(ctx, policy, p.to, p.from, &copy.Options{
		ReportWriter:       log,
		PreserveDigests:    true,
		ImageListSelection: copy.CopySpecificImages,
		SourceCtx:          &types.SystemContext{OCISharedBlobDirPath: blobs},
		DestinationCtx:     plainOnLoopback(p.to),
	})
	if err != nil {
		return "", err
	}
	return manifest.Digest(text)
}
