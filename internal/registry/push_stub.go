//go:build !containers_image_openpgp

package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"bkt/internal/engine/contract"
	"bkt/internal/hint"
	"bkt/internal/ocilayout"
	"bkt/internal/plainfile"

	"github.com/containers/image/v5/types"
	"github.com/opencontainers/go-digest"
)

// CanPush returns an error: this build of bkt cannot push.
func CanPush() error {
	return hint.Add(errors.New("this build of bkt cannot push images"),
		"build it with \"make build\", which sets the tag containers_image_openpgp")
}

// Push returns the error of [CanPush].
func Push(context.Context, ocilayout.Image, string, io.Writer) (digest.Digest, error) {
	return "", CanPush()
}

// Allow returns an error for each of the images for which the policy requires
// anything: this build of bkt cannot verify signatures. Most systems have a
// policy that requires nothing.
func Allow(_ context.Context, names ...string) ([]contract.Allowed, error) {
	return allow("/", names)
}

// allow is Allow for a system with its files below root.
func allow(root string, names []string) ([]contract.Allowed, error) {
	p, err := readPolicy(root)
	if err != nil {
		return nil, err
	}
	var all []contract.Allowed
	var errs []error
	for _, name := range names {
		ref, err := parseAny(name)
		if err == nil && !p.acceptsAnything(ref) {
			err = fmt.Errorf("image %s: the policy in %s has requirements for it, and this build of bkt cannot verify signatures", name, p.file)
			err = hint.Add(err, "build it with \"make build\", which sets the tag containers_image_openpgp")
		}
		all, errs = append(all, contract.Allowed{Name: name}), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return all, nil
}

// A policy is the part of containers-policy.json(5) that this build reads.
type policy struct {
	file       string // empty without a policy
	Default    []requirement
	Transports map[string]map[string][]requirement
}

type requirement struct{ Type string }

// readPolicy returns the policy of the user, or else that of the system.
func readPolicy(root string) (p policy, err error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return p, err
	}
	for _, dir := range []string{filepath.Join(home, ".config"), filepath.Join(root, "etc")} {
		file := filepath.Join(dir, "containers", "policy.json")
		text, err := plainfile.Read(file, plainfile.MaxText)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = json.Unmarshal(text, &p)
		}
		if err != nil {
			return p, fmt.Errorf("%s: %w", file, err)
		}
		p.file = file
		return p, nil
	}
	return p, nil
}

// acceptsAnything reports whether p requires nothing of an image.
func (p policy) acceptsAnything(ref types.ImageReference) bool {
	requirements := p.Default
	for _, scope := range slices.Concat([]string{ref.PolicyConfigurationIdentity()}, ref.PolicyConfigurationNamespaces(), []string{""}) {
		if found, ok := p.Transports[ref.Transport().Name()][scope]; ok {
			requirements = found
			break
		}
	}
	return p.file == "" || len(requirements) > 0 && !slices.ContainsFunc(requirements, func(r requirement) bool { return r.Type != "insecureAcceptAnything" })
}
