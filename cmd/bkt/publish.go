package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"bkt/internal/buildkit"
	"bkt/internal/engine/contract"
	"bkt/internal/host"
	"bkt/internal/image"
	"bkt/internal/patherr"

	"github.com/opencontainers/go-digest"
)

// inspect asks a registry what it has under name, with flags of bkt-engine
// inspect.
func (a *app) inspect(ctx context.Context, name string, flags ...string) (found contract.Image, err error) {
	cfg, err := startable()
	if err != nil {
		return found, err
	}
	err = ask(ctx, &found, slices.Concat([]string{cfg.Program, "inspect"}, flags, []string{name})...)
	return found, err
}

// ask runs a command of bkt-engine that prints v as JSON. Its errors are
// returned as if they were bkt's own.
func ask(ctx context.Context, v any, argv ...string) error {
	out, err := answer(ctx, argv...)
	if err != nil {
		return err
	}
	return json.Unmarshal(out, v)
}

// answer runs a command of bkt-engine and returns its output. Its errors are
// returned as if they were bkt's own.
func answer(ctx context.Context, argv ...string) ([]byte, error) {
	out, err := host.Output(ctx, argv...)
	if exit, ok := errors.AsType[*host.ExitError](err); ok {
		return nil, contract.ReadErrors(exit.Stderr, err)
	}
	return out, err
}

// verify returns s with those images pinned that the user's or the system's
// policy on signatures (containers-policy.json(5)) has verified: the engine,
// which reads them, knows no such policy. An image that it does not allow is an
// error. Without a policy, no registry is asked.
func verify(ctx context.Context, s image.Spec) (image.Spec, error) {
	names, err := buildkit.Remote(s)
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

// allowed returns those of the images that a policy is about; one that it does
// not allow is an error.
func allowed(ctx context.Context, names []string) (all []contract.Allowed, err error) {
	files, err := policies()
	if err != nil || len(names) == 0 || !slices.ContainsFunc(files, mayBeThere) {
		return nil, err
	}
	cfg, err := startable()
	if err != nil {
		return nil, err
	}
	err = ask(ctx, &all, append([]string{cfg.Program, "allow"}, names...)...)
	return all, err
}

// policies returns where a policy on signatures may be.
func policies() ([]string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, fmt.Errorf("whether you have a policy on signatures is not known: %w", err)
	}
	return []string{"/etc/containers/policy.json", filepath.Join(home, ".config", "containers", "policy.json")}, nil
}

// mayBeThere reports whether there is a file, or may be: that one cannot be looked
// at does not mean that there is none.
func mayBeThere(path string) bool {
	_, err := os.Stat(path)
	return patherr.UnlessMissing(err) != nil || err == nil
}

// published returns what a registry has under name, and whether it was built
// from what s says now.
func (a *app) published(ctx context.Context, b buildkit.Builder, s image.Spec, name string) (contract.Image, bool, error) {
	there, err := a.inspect(ctx, name)
	if err != nil || there.Digest == "" {
		return there, false, err
	}
	in, err := b.Inputs(ctx, s)
	if err != nil {
		return there, false, err
	}
	found := map[string]digest.Digest{}
	for _, open := range in.Open {
		base, err := a.inspect(ctx, open)
		if err != nil || base.Digest == "" {
			return there, false, err // the build says what is wrong with a base that is not there
		}
		found[open] = digest.Digest(base.Digest)
	}
	want, err := in.Digest(found)
	same := there.Labels[buildkit.InputsLabel] == want.String()
	if same {
		a.Note("%s was built from what is here", name)
	}
	return there, same, err
}

// push pushes l, if that is wanted, and if it was not replaced meanwhile. With
// --refresh it does so only if the registry has an image with other packages, or of
// other inputs.
func (c *buildCmd) push(ctx context.Context, a *app, l image.Layout) (references []string, err error) {
	if len(c.Push) == 0 {
		return nil, nil
	}
	l, release, err := a.hold(ctx, l.Dir, l.Digest.String())
	if err != nil {
		return nil, err
	}
	defer release()
	if c.Refresh {
		if same, err := a.samePackages(ctx, l, c.Push[0]); err != nil || same {
			return nil, err
		}
	}
	return a.push(ctx, l, c.Push)
}

// sameLabels says whether l has the packages and the inputs of an image with
// such labels.
func sameLabels(l image.Layout, labels map[string]string) (bool, error) {
	own, err := buildkit.Labels(l)
	for _, name := range []string{buildkit.InputsLabel, buildkit.PackagesLabel} {
		if own[name] == "" || own[name] != labels[name] {
			return false, err
		}
	}
	return true, err
}
