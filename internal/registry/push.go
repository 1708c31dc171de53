//go:build containers_image_openpgp

package registry

import (
	"cmp"
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

// Push copies the image l to the registry under name without changing its digest,
// verifies that the registry has it, and returns the digest. It is an error if the
// layout no longer holds the image. Blobs that the registry already has are not sent
// again. Transient errors are retried. Progress goes to log.
func Push(ctx context.Context, l ocilayout.Image, name string, log io.Writer) (digest.Digest, error) {
	return push(ctx, l, name, log, retryDelays)
}

func push(ctx context.Context, l ocilayout.Image, name string, log io.Writer, delays []time.Duration) (there digest.Digest, err error) {
	to, err := parse(name)
	if err := errors.Join(err, checkConfiguration()); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "bkt-push-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	s, err := open(l, dir)
	if err != nil {
		return "", err
	}
	err = retry(ctx, delays, log, isTransientPush, func() (err error) {
		sys, err := toPush(ctx, to)
		if err == nil && isThere(ctx, sys, l.Digest, to) {
			fmt.Fprintf(log, "bkt: %s is already in the registry\n", name)
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

// isThere reports whether a registry already has an image under its name. Other
// errors are left to the push.
func isThere(ctx context.Context, sys *types.SystemContext, want digest.Digest, to types.ImageReference) bool {
	there, err := within(ctx, func(ctx context.Context) (digest.Digest, error) { return docker.GetDigest(ctx, sys, to) })
	return err == nil && there == want
}

// copyAll copies the parts of an image and then the whole, verifies that the
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
		return "", fmt.Errorf("%s was sent instead of %s", sent, s.Digest)
	}
	there, err := within(ctx, func(ctx context.Context) (digest.Digest, error) { return docker.GetDigest(ctx, sys, to) })
	if errors.Is(err, digest.ErrDigestInvalidFormat) { // a registry need not report it
		return sent, nil
	}
	if err != nil {
		return "", fmt.Errorf("verifying the push: %w", err)
	}
	if there != sent {
		return "", fmt.Errorf("the registry reports %s, but %s was pushed", there, sent)
	}
	return there, nil
}

// copyImage copies an image, or an index without its images, and returns its
// digest.
func copyImage(ctx context.Context, sys *types.SystemContext, p part, blobs string, log io.Writer) (digest.Digest, error) {
	// The user has just built the image: its signature is not verified.
	policy, err := signature.NewPolicyContext(&signature.Policy{
		Default: signature.PolicyRequirements{signature.NewPRInsecureAcceptAnything()},
	})
	if err != nil {
		return "", err
	}
	defer policy.Destroy()
	ctx, progress, stop := watched(ctx)
	defer stop()
	text, err := copy.Image(ctx, policy, paced{p.to}, p.from, &copy.Options{
		ReportWriter:       log,
		PreserveDigests:    true,
		ImageListSelection: copy.CopySpecificImages,
		SourceCtx:          &types.SystemContext{OCISharedBlobDirPath: blobs},
		DestinationCtx:     sys,
		Progress:           progress,
		ProgressInterval:   time.Second,
	})
	if err != nil {
		return "", cmp.Or(context.Cause(ctx), err)
	}
	return manifest.Digest(text)
}
