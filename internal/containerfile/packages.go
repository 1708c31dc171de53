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
		if indexOf(p, name) < 0 && !slices.Contains(ofContainer, name) {
			p.Packages = append(p.Packages, manifest.PlainPackages(name)...)
		}
	}
}

// AddPackages adds specs of dnf to p, unless p has them.
func AddPackages(log Log, p *manifest.Packages, specs []string) {
	for _, spec := range specs {
		group, isGroup := groupOf(p, spec)
		switch {
		case isGroup && !slices.Contains(p.Groups, group):
			p.Groups = append(p.Groups, group)
		case !isGroup && indexOf(p, spec) < 0:
			p.Packages = append(p.Packages, manifest.PlainPackages(spec)...)
		default:
			log.Note("%s is in the manifest already", spec)
		}
	}
}

// RemovePackages removes specs of dnf from p, which is the manifest called name. A spec
// that p does not have is a warning.
func RemovePackages(log Log, p *manifest.Packages, specs []string, name string) {
	for _, spec := range specs {
		group, isGroup := groupOf(p, spec)
		i, k := indexOf(p, spec), slices.Index(p.Groups, group)
		switch {
		case isGroup && k >= 0:
			p.Groups = slices.Delete(p.Groups, k, k+1)
		case !isGroup && i >= 0:
			p.Packages = slices.Delete(p.Packages, i, i+1)
		default:
			err := fmt.Errorf("%s is not in the manifest", spec)
			log.Warn([]error{hint.Add(err, "to remove a package of the base image, add it to \"removed\" in %s", name)})
		}
	}
}

// indexOf returns the index of the package with that spec, whatever its options, or -1.
func indexOf(p *manifest.Packages, spec string) int { return slices.Index(p.PackageNames(), spec) }

// groupOf returns the name that a spec has among the groups of p, if it belongs there. A
// group that is among the packages stays there.
func groupOf(p *manifest.Packages, spec string) (string, bool) {
	group, ok := strings.CutPrefix(spec, "@")
	switch {
	case !ok, indexOf(p, spec) >= 0:
		return "", false
	case slices.Contains(p.Groups, spec):
		return spec, true
	}
	return group, true
}
