package containerfile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/repo"
)

// EditPackages returns the plan that edits the packages of an image and renders its
// Containerfile.
func EditPackages(ctx context.Context, log Log, r repo.Repo, o SyncOptions, k gen.Image, edit func(*manifest.Packages)) (plan.Plan, error) {
	return Edit(ctx, log, r, o, gen.PackagesManifest(k), OfImage(r, k), func(p *manifest.Packages, _ *manifest.Source) error {
		edit(p)
		return nil
	})
}

// CapturePackages adds installed packages to p, except those that p or the container
// declares.
func CapturePackages(p *manifest.Packages, installed, ofContainer []string) {
	for _, name := range installed {
		if !slices.Contains(p.Packages, name) && !slices.Contains(ofContainer, name) {
			p.Packages = append(p.Packages, name)
		}
	}
}

// AddPackages adds specs of dnf to p, unless p has them.
func AddPackages(log Log, p *manifest.Packages, specs []string) {
	for _, spec := range specs {
		list, name := listOf(p, spec)
		if slices.Contains(*list, name) {
			log.Note("%s is in the manifest already", spec)
			continue
		}
		*list = append(*list, name)
	}
}

// RemovePackages removes specs of dnf from p, which is the manifest called name. A spec
// that p does not have is a warning.
func RemovePackages(log Log, p *manifest.Packages, specs []string, name string) {
	for _, spec := range specs {
		list, entry := listOf(p, spec)
		i := slices.Index(*list, entry)
		if i < 0 {
			err := fmt.Errorf("%s is not in the manifest", spec)
			log.Warn([]error{hint.Add(err, "to remove a package of the base image, add it to \"removed\" in %s", name)})
			continue
		}
		*list = slices.Delete(*list, i, i+1)
	}
}

// listOf returns the list that a spec belongs to, and its name in the list. A group that
// is among the packages stays there.
func listOf(p *manifest.Packages, spec string) (list *[]string, name string) {
	group, ok := strings.CutPrefix(spec, "@")
	switch {
	case !ok, slices.Contains(p.Packages, spec):
		return &p.Packages, spec
	case slices.Contains(p.Groups, spec):
		return &p.Groups, spec
	}
	return &p.Groups, group
}
