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

// packagesSection is the data for packages.tmpl. A template of a repository may use
// the first fields alone, which have everything without its order and options.
type packagesSection struct {
	Manifest string  // where packages are added
	Cache    string  // prefix of the ids of the cache mounts
	Repos    []value // ids of the repositories that only this install enables
	Packages []value // to install, groups as @name
	Removed  []value
	Excluded []value // kept out of the install
	Opt      []optMove
	Scratch  []string // folders that are empty during the install, and again in the image

	Groups   []value   // to remove
	Names    []value   // of the packages to remove, and what else Removed has
	Locked   []value   // specs of the only versions to install
	Swaps    []swap    //
	Installs []install // of Packages
}

// A swap replaces an installed package.
type swap struct {
	Remove, Install value
	Excluded        []value // not the removed package: dnf would ignore it
	install                 // the options of the call; it has no packages
}

// HasFrom reports whether packages have a repository of their own.
func (s packagesSection) HasFrom() bool {
	return slices.ContainsFunc(s.Installs, func(i install) bool { return i.From.text != "" }) ||
		slices.ContainsFunc(s.Swaps, func(w swap) bool { return w.From.text != "" })
}

// HasArch reports whether packages are for some architectures only.
func (s packagesSection) HasArch() bool {
	return slices.ContainsFunc(s.Installs, func(i install) bool { return i.Arch.text != "" })
}

func packagesData(in input, t *trace) (any, error) {
	d, err := load[manifest.Packages](in.manifestCache, in.manifest)
	if err != nil {
		return nil, err
	}
	w := &wishes{input: in, manifest: d, trace: t}
	opt, err := w.collect()
	swaps, errSwaps := w.swaps()
	s := packagesSection{
		Manifest: in.manifest,
		Cache:    cacheID(in.image, in.base),
		Scratch:  in.scratch(),
		Removed:  sorted(values(d, "/removed", d.Content.Removed, t)),
		Opt:      opt,
		Locked:   sorted(values(d, "/versionlock", d.Content.Locked, t)),
		Swaps:    swaps,
		Installs: w.installs(),
	}
	s.setExcluded(w.excluded(s.Removed))
	err = errors.Join(
		in.checkTier(d.Content, func(i int) manifest.Entry { return d.Entry(d.Content.PackagePointer(i), "", "") }),
		err, errSwaps)
	s.setAll()
	in.warnGroups(d)
	return s, err
}

// warnGroups warns of groups that are removed: what else goes with their packages is not
// checked, because only a repository knows which packages these are.
func (in input) warnGroups(d manifest.Document[manifest.Packages]) {
	for i, spec := range d.Content.Removed {
		if strings.HasPrefix(spec, "@") {
			e := d.Entry(strictjson.Item("/removed", i), spec, "")
			err := warning("removed-group", e, "packages that need those of the group "+spec+" are removed with it, and nothing checks which")
			in.warn(hint.Add(err, "list the packages of the group instead: then a package that needs one of them is an error of the build"))
		}
	}
}

// setExcluded sets what no call of dnf may install.
func (s *packagesSection) setExcluded(excluded []value) {
	s.Excluded = excluded
	for i, one := range s.Swaps {
		s.Swaps[i].Excluded = slices.DeleteFunc(slices.Clone(s.Excluded), func(v value) bool { return v.text == one.Remove.text })
	}
}

// setAll sets the fields that follow from others.
func (s *packagesSection) setAll() {
	for _, v := range s.Removed {
		if strings.HasPrefix(v.text, "@") {
			s.Groups = append(s.Groups, v)
		} else {
			s.Names = append(s.Names, v)
		}
	}
	for _, i := range s.Installs {
		s.Packages, s.Repos = append(s.Packages, i.Packages...), append(s.Repos, i.Repos...)
	}
	s.Packages, s.Repos = sorted(s.Packages), sorted(s.Repos)
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
	for i, spec := range p.PackageNames() {
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
