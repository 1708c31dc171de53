//go:build containers_image_openpgp

package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"bkt/internal/engine/contract"
	"bkt/internal/hint"

	"github.com/containers/image/v5/image"
	"github.com/containers/image/v5/manifest"
	"github.com/containers/image/v5/signature"
	"github.com/containers/image/v5/types"
)

// Allow returns an error for each of the images that the policy of the user or
// the system (containers-policy.json(5)) does not allow. For an image whose
// signature the policy requires, it returns the signed digest: the name may
// mean another image a moment later. It asks registries only about those
// images, and retries transient errors. Without a policy all images are
// allowed.
func Allow(ctx context.Context, names ...string) ([]contract.Allowed, error) {
	return allow(ctx, "/", names, retryDelays)
}

// allow is Allow for a system with its files below root.
func allow(ctx context.Context, root string, names []string, delays []time.Duration) ([]contract.Allowed, error) {
	if err := checkConfiguration(); err != nil {
		return nil, err
	}
	policy, err := readPolicy(root)
	if err != nil {
		return nil, err
	}
	var all []contract.Allowed
	var errs []error
	for _, name := range names {
		a, err := allowOne(ctx, policy, name, delays)
		all, errs = append(all, a), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return all, nil
}

// readPolicy returns the policy of the user, or else of the system.
func readPolicy(root string) (*signature.Policy, error) {
	// With a root the library distinguishes a missing file from a malformed one.
	policy, err := signature.DefaultPolicy(&types.SystemContext{RootForImplicitAbsolutePaths: root})
	if errors.Is(err, fs.ErrNotExist) {
		return &signature.Policy{Default: signature.PolicyRequirements{signature.NewPRInsecureAcceptAnything()}}, nil
	}
	return policy, hint.Add(err, "see containers-policy.json(5) for the format of policies")
}

func allowOne(ctx context.Context, policy *signature.Policy, name string, delays []time.Duration) (contract.Allowed, error) {
	a := contract.Allowed{Name: name}
	ref, err := parseAny(name)
	if err != nil {
		return a, err
	}
	// Opening the image asks the registry, so first see whether the policy
	// needs it.
	p := &probe{ref: ref}
	err = evaluate(ctx, policy, p)
	if p.asked {
		err = retry(ctx, delays, io.Discard, isTransient, func() (err error) {
			a.Digest, err = within(ctx, func(ctx context.Context) (string, error) { return verify(ctx, policy, ref) })
			return err
		})
	}
	if err != nil {
		err = explain(fmt.Errorf("image %s: %w", name, err), host(ref))
	}
	return a, err
}

// verify opens an image, and returns its digest if it is allowed.
func verify(ctx context.Context, policy *signature.Policy, ref types.ImageReference) (string, error) {
	sys, err := toPull(ctx, ref)
	if err != nil {
		return "", err
	}
	source, err := ref.NewImageSource(ctx, sys)
	if err != nil {
		return "", err
	}
	defer source.Close()
	unparsed := image.UnparsedInstance(source, nil) // it reads the manifest once
	if err := evaluate(ctx, policy, unparsed); err != nil {
		return "", err
	}
	data, _, err := unparsed.Manifest(ctx)
	if err != nil {
		return "", err
	}
	digest, err := manifest.Digest(data)
	return digest.String(), err
}

// evaluate returns an error if the policy does not allow an image.
func evaluate(ctx context.Context, policy *signature.Policy, unparsed types.UnparsedImage) error {
	policies, err := signature.NewPolicyContext(policy)
	if err != nil {
		return err
	}
	defer policies.Destroy()
	allowed, err := policies.IsRunningImageAllowed(ctx, unparsed)
	switch {
	case allowed:
		return nil
	case statusOf(err) != 0 || isConnectionError(err): // not a decision of the policy
		return err
	}
	return refused(policy, unparsed.Reference(), err)
}

// A probe is a placeholder for an image. It records whether a policy reads the
// image.
type probe struct {
	ref   types.ImageReference
	asked bool
}

var errProbe = errors.New("the image is not open")

func (p *probe) Reference() types.ImageReference { return p.ref }

func (p *probe) Manifest(context.Context) ([]byte, string, error) {
	p.asked = true
	return nil, "", errProbe
}

func (p *probe) Signatures(context.Context) ([][]byte, error) {
	p.asked = true
	return nil, errProbe
}
