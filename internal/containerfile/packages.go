package containerfile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/repo"
	"bkt/internal/strictjson"
)

// EditPackages returns the plan that edits the packages of an image and renders its
// Containerfile.
func EditPackages(ctx context.Context, log Log, r repo.Repo, o SyncOptions, k gen.Image, edit func(*manifest.Packages) error) (plan.Plan, error) {
	return Edit(ctx, log, r, o, gen.PackagesManifest(k), OfImage(r, k), func(p *manifest.Packages, _ *manifest.Source) error {
		return edit(p)
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

// AddPackages adds specs of dnf to p, unless p has them. It returns an error for each spec
// that has not the form of one.
func AddPackages(log Log, p *manifest.Packages, specs []string) error {
	var errs []error
	for _, spec := range specs {
		group, isGroup := groupOf(p, spec)
		switch {
		case isGroup && slices.Contains(p.Groups, group), !isGroup && indexOf(p, spec) >= 0:
			log.Note("%s is in the manifest already", spec)
			continue
		case isGroup:
			p.Groups = append(p.Groups, group)
		default:
			p.Packages = append(p.Packages, manifest.PlainPackages(spec)...)
		}
		errs = append(errs, manifest.CheckPackage(spec))
	}
	return errors.Join(errs...)
}

// RemovePackages removes specs of dnf from p, the packages of the image k. It returns an
// error for each spec that p does not have.
func RemovePackages(p *manifest.Packages, specs []string, k gen.Image) error {
	var errs []error
	known := p.PackageNames()
	for _, g := range p.Groups {
		known = append(known, "@"+strings.TrimPrefix(g, "@"))
	}
	for _, spec := range specs {
		group, isGroup := groupOf(p, spec)
		i, j := indexOf(p, spec), slices.Index(p.Groups, group)
		switch {
		case isGroup && j >= 0:
			p.Groups = slices.Delete(p.Groups, j, j+1)
		case !isGroup && i >= 0:
			p.Packages = slices.Delete(p.Packages, i, i+1)
		case !slices.Contains(known, spec): // otherwise it is named twice
			errs = append(errs, notListed(spec, known, k))
		}
	}
	return errors.Join(errs...)
}

// notListed returns the error about a spec that the packages of an image, which are known,
// do not include.
func notListed(spec string, known []string, k gen.Image) error {
	return strictjson.Suggest(fmt.Errorf("%s is not in %s", spec, gen.PackagesManifest(k)), spec, known,
		fmt.Sprintf("run \"bkt %s list\" for the packages that are", k))
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
