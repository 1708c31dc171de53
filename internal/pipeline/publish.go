package pipeline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"bkt/internal/buildkit"
	"bkt/internal/buildspec"
	"bkt/internal/engine/contract"
	"bkt/internal/ocilayout"
	"bkt/internal/patherr"
	"bkt/internal/workspace"

	"github.com/opencontainers/go-digest"
)

// inspect returns the image that a registry has under name. flags are the flags of
// bkt-engine inspect.
func inspect(ctx context.Context, name string, flags ...string) (found contract.Image, err error) {
	cfg, err := Startable()
	if err != nil {
		return found, err
	}
	err = ask(ctx, &found, slices.Concat([]string{cfg.Program, "inspect"}, flags, []string{name})...)
	return found, err
}

// Verify returns s with the images pinned that the signature policy of the user or the
// system (containers-policy.json(5)) allows: the engine, which reads them, does not
// know the policy. An image that the policy refuses is an error. Without a policy, no
// registry is asked.
func Verify(ctx context.Context, s buildspec.Spec) (buildspec.Spec, error) {
	names, err := s.Remote()
	if err != nil {
		return s, err
	}
	all, err := allowed(ctx, names)
	if err != nil {
		return s, err
	}
	s.Pins = map[string]digest.Digest{}
	for _, one := range all {
		if one.Digest != "" {
			s.Pins[one.Name] = digest.Digest(one.Digest)
		}
	}
	return s, nil
}

// allowed returns the images that a policy covers. One that it refuses is an error.
func allowed(ctx context.Context, names []string) (all []contract.Allowed, err error) {
	files, err := policies()
	if err != nil || len(names) == 0 || !slices.ContainsFunc(files, mayExist) {
		return nil, err
	}
	cfg, err := Startable()
	if err != nil {
		return nil, err
	}
	err = ask(ctx, &all, append([]string{cfg.Program, "allow"}, names...)...)
	return all, err
}

// policies returns the files that may have a policy on signatures.
func policies() ([]string, error) {
	home, err := workspace.Home()
	if err != nil {
		return nil, fmt.Errorf("cannot look for a signature policy: %w", err)
	}
	return []string{"/etc/containers/policy.json", filepath.Join(home, ".config", "containers", "policy.json")}, nil
}

// mayExist reports whether a file exists or cannot be read: an unreadable file is not
// a missing one.
func mayExist(path string) bool {
	_, err := os.Stat(path)
	return patherr.UnlessMissing(err) != nil || err == nil
}

// published returns the image that a registry has under name, and whether it was built
// from the current inputs.
func published(ctx context.Context, log Log, b buildkit.Builder, s buildspec.Spec, name string) (contract.Image, bool, error) {
	there, err := inspect(ctx, name)
	if err != nil || there.Digest == "" {
		return there, false, err
	}
	in, err := b.Inputs(ctx, s)
	if err != nil {
		return there, false, err
	}
	found := map[string]digest.Digest{}
	for _, open := range in.Open {
		base, err := inspect(ctx, open)
		if err != nil || base.Digest == "" {
			return there, false, err // the build reports a missing base
		}
		found[open] = digest.Digest(base.Digest)
	}
	want, err := in.Digest(found)
	same := there.Labels[buildspec.InputsLabel] == want.String()
	if same {
		log.Note("%s is up to date: it was built from the same inputs", name)
	}
	return there, same, err
}

// sameLabels reports whether l has the packages and the inputs of an image with these
// labels.
func sameLabels(l ocilayout.Image, labels map[string]string) (bool, error) {
	own, err := l.Labels()
	for _, name := range []string{buildspec.InputsLabel, buildkit.PackagesLabel} {
		if own[name] == "" || own[name] != labels[name] {
			return false, err
		}
	}
	return true, err
}
