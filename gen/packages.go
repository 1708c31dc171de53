package gen

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/imagerule"
	"bkt/internal/manifest"
	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json/jsontext"
)

// packagesSection is the data for packages.tmpl.
type packagesSection struct {
	Manifest string  // where packages are added
	Cache    string  // prefix of the ids of the cache mounts
	Repos    []value // ids of the repositories that only this install enables
	Packages []value // to install, groups as @name
	Removed  []value
	Excluded []value // kept out of the install
	Opt      []optMove
}

func packagesData(in input, t *trace) (any, error) {
	d, err := load[manifest.Packages](in.manifestCache, in.manifest)
	if err != nil {
		return nil, err
	}
	groups := values(d, "/groups", d.Content.Groups, t)
	for i, g := range groups {
		groups[i].text = "@" + strings.TrimPrefix(g.text, "@")
	}
	s := packagesSection{
		Manifest: in.manifest,
		Cache:    cacheID(in.image, in.base),
		Packages: sorted(append(values(d, "/packages", d.Content.Packages, t), groups...)),
		Removed:  sorted(values(d, "/removed", d.Content.Removed, t)),
		Excluded: sorted(values(d, "/excluded", d.Content.Excluded, t)),
	}
	err = errors.Join(
		in.checkTier(d.Content, func(i int) manifest.Entry { return d.Entry(strictjson.Item("/packages", i), "", "") }),
		s.coprs(in, d, t), s.external(in, t))
	s.Packages, s.Repos = sorted(s.Packages), sorted(s.Repos)
	return s, err
}

// coprs enables the repositories that section COPR_REPOS adds. dnf refuses to
// enable one that does not exist.
func (s *packagesSection) coprs(in input, d manifest.Document[manifest.Packages], t *trace) error {
	repos := coprs(d, t)
	if len(repos) == 0 {
		return nil
	}
	added, err := in.precedesInStage("COPR_REPOS")
	for _, c := range repos {
		if added {
			s.Repos = append(s.Repos, c.ID)
		}
	}
	return err
}

// values returns the strings of the list at the pointer list of a manifest.
func values[T any](d manifest.Document[T], list jsontext.Pointer, texts []string, t *trace) []value {
	values := make([]value, len(texts))
	t.entries = slices.Grow(t.entries, len(texts))
	at := d.Source.Items(list)
	for i, text := range texts {
		values[i] = t.value(text, manifest.Entry{File: d.Path, Position: at[i], Text: text})
	}
	return values
}

// sorted sorts values by their text and drops duplicates.
func sorted(values []value) []value {
	slices.SortStableFunc(values, func(a, b value) int { return cmp.Compare(a.text, b.text) })
	return slices.CompactFunc(values, func(a, b value) bool { return a.text == b.text })
}

// sortBy sorts items by the text of one of their values.
func sortBy[T any](items []T, by func(T) value) {
	slices.SortStableFunc(items, func(a, b T) int { return cmp.Compare(by(a).text, by(b).text) })
}

// cacheID returns the id of the cache mount for downloaded packages. Base images
// with different names have different packages and do not share a cache. The id is
// not part of BuildKit's cache key, so that it never causes a new install.
func cacheID(image Image, base string) string {
	base, _, _ = strings.Cut(base, "@")
	plain := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("./:_-", r) {
			return r
		}
		return '_'
	}, base)
	return strings.Trim("bkt-"+string(image)+"-"+plain, "-")
}

// checkTier looks for packages that belong in the other image.
func (in input) checkTier(p manifest.Packages, at func(i int) manifest.Entry) error {
	replaced := imagerule.RemovesKernel(p.Removed)
	var errs []error
	for i, spec := range p.Packages {
		switch {
		case in.image == Toolbox && imagerule.IsHostOnly(spec):
			err := fmt.Errorf("%s: package %s is for a machine that boots, and the toolbox is a container", at(i), spec)
			errs = append(errs, hint.Add(err, "put it into %s", manifest.SystemPackagesPath))
		case in.image == System && !replaced && imagerule.IsKernel(spec):
			in.warn(hint.Add(warning("bootc/kernel", at(i), "package "+spec+": the base image has a kernel, and bootc refuses an image with two"),
				"remove the kernel of the base, with \"removed\" in %s", manifest.SystemPackagesPath))
		}
	}
	return errors.Join(errs...)
}
