//go:build containers_image_openpgp

package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"bkt/internal/ocilayout"

	"github.com/containers/image/v5/copy"
	"github.com/containers/image/v5/docker"
	"github.com/containers/image/v5/manifest"
	"github.com/containers/image/v5/signature"
	"github.com/containers/image/v5/types"
	"github.com/opencontainers/go-digest"
)

// CanPush returns nil: this build of bkt can push.
func CanPush() error { return nil }

// Push copies the image l to the registry under name, with its digest as it is,
// asks the registry whether that is what it has now, and returns that digest. A
// layout that does not hold this image any more is an error. What is there
// already, all or a part, is not sent again. An error that may pass has it try
// again, a few times. Progress goes to log.
func Push(ctx context.Context, l ocilayout.Image, name string, log io.Writer) (digest.Digest, error) {
	return push(ctx, l, name, log, patience)
}

func push(ctx context.Context, l ocilayout.Image, name string, log io.Writer, delays []time.Duration) (there digest.Digest, err error) {
	to, err := parse(name)
	if err != nil {
		return "", err
	}
	aside, err := os.MkdirTemp("", "bkt-push-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(aside)
	s, err := open(l, aside)
	if err != nil {
		return "", err
	}
	err = persist(ctx, delays, log, func() (err error) {
		sys, err := toPush(ctx, to)
		if err == nil && isThere(ctx, sys, l.Digest, to) {
			fmt.Fprintf(log, "bkt: %s is there already\n", name)
			there = l.Digest
			return nil
		}
		if err == nil {
			there, err = copyAll(ctx, sys, s, to, log)
		}
		if err != nil {
			return fmt.Errorf("pushing %s: %w", name, err)
		}
		return nil
	})
	return there, explain(err, host(to))
}

// isThere says whether a registry has an image under its name by now. What else
// there is to say of the registry, the push itself says.
func isThere(ctx context.Context, sys *types.SystemContext, want digest.Digest, to types.ImageReference) bool {
	there, err := docker.GetDigest(ctx, sys, to)
	return err == nil && there == want
}

// copyAll copies the parts of an image and then the whole, makes sure that the
// registry has it, and returns its digest.
func copyAll(ctx context.Context, sys *types.SystemContext, s source, to types.ImageReference, log io.Writer) (digest.Digest, error) {
	parts, errParts := s.parts(to)
	whole, errWhole := s.whole()
	if err := errors.Join(errParts, errWhole); err != nil {
		return "", err
	}
	for _, p := range parts {
		if _, err := copyImage(ctx, sys, p, s.BlobsDir(), log); err != nil {
			return "", err
		}
	}
	sent, err := copyImage(ctx, sys, part{to, whole}, s.BlobsDir(), log)
	if err != nil {
		return "", err
	}
	if sent != s.Digest {
		return "", fmt.Errorf("%s was sent, and not %s", sent, s.Digest)
	}
	there, err := docker.GetDigest(ctx, sys, to)
	if errors.Is(err, digest.ErrDigestInvalidFormat) { // a registry need not say it
		return sent, nil
	}
	if err != nil {
		return "", fmt.Errorf("asking for what was pushed: %w", err)
	}
	if there != sent {
		return "", fmt.Errorf("the registry says that it has %s, and not %s, which was pushed", there, sent)
	}
	return there, nil
}

// copyImage copies an image, or an index without the images in it, and returns
// its digest.
func copyImage(ctx context.Context, sys *types.SystemContext, p part, blobs string, log io.Writer) (digest.Digest, error) {
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
		DestinationCtx:     sys,
	})
	if err != nil {
		return "", err
	}
	return manifest.Digest(text)
}
