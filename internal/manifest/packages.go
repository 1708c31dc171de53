package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json/jsontext"
)

// Packages has the packages that an image installs with dnf: system-packages.json or
// toolbox-packages.json.
type Packages struct {
	Schema   string    `json:"$schema,omitempty"`
	Packages []Package `json:"packages"`              // dnf specs, also @group
	Groups   []string  `json:"groups,omitempty"`      // with or without the @
	Excluded []string  `json:"excluded,omitempty"`    // never installed: names, versions and globs
	Removed  []string  `json:"removed,omitempty"`     // from the base: dnf specs, also of packages that need others of the list
	Swap     []Swap    `json:"swap,omitempty"`        // packages of the base that others replace
	Locked   []string  `json:"versionlock,omitempty"` // the only versions that dnf installs: names with versions and globs
	Coprs    []Copr    `json:"copr_repos,omitempty"`  // further sources of packages
}

// A Copr is a package repository on COPR (https://copr.fedorainfracloud.org).
type Copr struct {
	Name      string      `json:"name"`               // owner/project or @group/project
	Chroot    string      `json:"chroot,omitempty"`   // folder of the project, such as "epel-10-$basearch"; default: by the name of the base image
	Disabled  DefaultTrue `json:"enabled,omitzero"`   // whether packages may come from it
	Unchecked DefaultTrue `json:"gpg_check,omitzero"` // whether the signatures of its packages are checked
	Comment   string      `json:"comment,omitempty"`
}

// Enabled reports whether packages may come from the repository.
func (c Copr) Enabled() bool { return !bool(c.Disabled) }

// GPGCheck reports whether the signatures of its packages are checked.
func (c Copr) GPGCheck() bool { return !bool(c.Unchecked) }

// canonical returns p with its lists sorted and without duplicates.
func (p Packages) canonical() Packages {
	p.Packages = canonicalPackages(p.Packages)
	p.Groups = slices.CompactFunc(sorted(p.Groups, compareGroups), func(a, b string) bool {
		return groupSpec(a) == groupSpec(b)
	})
	p.Excluded = sorted(p.Excluded, strings.Compare)
	p.Removed = sorted(p.Removed, strings.Compare)
	p.Swap = sortItems(p.Swap)
	p.Locked = sorted(p.Locked, strings.Compare)
	p.Coprs = sorted(p.Coprs, func(a, b Copr) int { return cmp.Compare(a.Name, b.Name) })
	return p
}

// sorted returns the items sorted and without duplicates, nil if there are none.
func sorted[T comparable](items []T, compare func(a, b T) int) []T {
	if len(items) == 0 {
		return nil
	}
	items = slices.Clone(items)
	slices.SortStableFunc(items, compare)
	return slices.Compact(items)
}

// compareGroups sorts the two spellings of a group next to each other.
func compareGroups(a, b string) int {
	return cmp.Or(cmp.Compare(groupSpec(a), groupSpec(b)), cmp.Compare(a, b))
}

// groupSpec returns the dnf spec of a group.
func groupSpec(group string) string {
	return "@" + strings.TrimPrefix(group, "@")
}

func (p Packages) check(r *strictjson.Report) {
	for i, pkg := range p.Packages {
		o := r.Object(strictjson.Item("/packages", i))
		if !pkg.Bare {
			o.Required("name", pkg.Name, anything)
		}
		pkg.checkOptions(o)
	}
	checkItems(r.Object(""), "swap", "swap of package", p.Swap)
	packages := checkSpecs(r, p.packageSpecs(), checkPackage)
	groups := checkSpecs(r, plainSpecs("groups", p.Groups), checkGroup, packages)
	checkSpecs(r, plainSpecs("excluded", p.Excluded), checkExcluded, packages, groups)
	removed := checkSpecs(r, plainSpecs("removed", p.Removed), checkPackage, packages.onlyGroups(), groups)
	swap := p.swapSpecs()
	checkSpecs(r, swap, checkPackageName, packages, removed)
	checkSpecs(r, plainSpecs("versionlock", p.Locked), checkLock)
	checkCoprs(r, p.Coprs)
}

// listed are the specs of one list, with their indexes.
type listed struct {
	list  string
	specs []string
	at    func(i int) jsontext.Pointer
	index map[string]int
	also  func(i int) error // a further check; nil: none
}

// plainSpecs returns the specs of a list of strings.
func plainSpecs(name string, specs []string) listed {
	return listed{list: name, specs: specs, at: func(i int) jsontext.Pointer { return strictjson.Item(jsontext.Pointer("/"+name), i) }}
}

// packageSpecs returns the names of the packages.
func (p Packages) packageSpecs() listed {
	return listed{list: "packages", specs: p.PackageNames(), at: p.PackagePointer,
		also: func(i int) error { return p.Packages[i].checkFromRepo() }}
}

// PackagePointer returns the pointer of the name of package i.
func (p Packages) PackagePointer(i int) jsontext.Pointer {
	return textPointer(strictjson.Item("/packages", i), p.Packages[i].Bare, "name")
}

// onlyGroups returns the list without its packages: one that is removed and installed
// again comes from elsewhere then.
func (l listed) onlyGroups() listed {
	index := map[string]int{}
	for spec, i := range l.index {
		if strings.HasPrefix(spec, "@") {
			index[spec] = i
		}
	}
	l.index = index
	return l
}

// checkSpecs checks one list of specs, and reports duplicates in it and between it and
// others.
func checkSpecs(r *strictjson.Report, here listed, check func(string) error, others ...listed) listed {
	here.index = make(map[string]int, len(here.specs))
	r.Observed(strictjson.Rule{Pointer: jsontext.Pointer("/" + here.list), Unique: true})
	for i, text := range here.specs {
		if r.Truncated() {
			break
		}
		what, spec := "package", text
		if here.list == "groups" {
			spec = groupSpec(text)
		}
		if strings.HasPrefix(spec, "@") {
			what = "group"
		}
		if r.Observed(strictjson.Rule{Pointer: here.at(i), Check: check}) {
			continue
		}
		err := check(text)
		if err == nil && here.also != nil {
			err = here.also(i)
		}
		if err != nil {
			r.Add(here.at(i), fmt.Errorf("%s %s: %w", what, strictjson.Quote(text), err))
			continue
		}
		if first, ok := here.index[spec]; ok {
			err := fmt.Errorf("duplicate %s %s (first at %s)", what, strictjson.Quote(text), r.Where(here.at(first)))
			r.Add(here.at(i), sameGroup(err, text, here.specs[first]))
			continue
		}
		here.index[spec] = i
		for _, o := range others {
			if other, ok := o.index[spec]; ok {
				err := fmt.Errorf("%s %s is in %s, and also in %s (at %s)", what, strictjson.Quote(text), here.list, o.list, r.Where(o.at(other)))
				r.Add(here.at(i), sameGroup(err, text, o.specs[other]))
			}
		}
	}
	return here
}

// sameGroup adds a hint to err, which is about two equal specs, if their spelling
// differs.
func sameGroup(err error, a, b string) error {
	if a == b {
		return err
	}
	return hint.Add(err, "%s and %s are the same group", strictjson.Quote(b), strictjson.Quote(a))
}

// IsExcludable reports whether dnf can exclude packages by a spec.
func IsExcludable(spec string) bool { return checkExcluded(spec) == nil }

func checkCoprs(r *strictjson.Report, coprs []Copr) {
	here := map[string]int{}
	r.Observed(strictjson.Rule{Pointer: "/copr_repos", Unique: true})
	for i, c := range coprs {
		if r.Truncated() {
			break
		}
		p := strictjson.Item("/copr_repos", i)
		r.Object(p).Tell("name", strictjson.Rule{Check: checkCopr, Required: true})
		r.Object(p).Tell("comment", strictjson.Rule{Check: checkComment})
		if err := checkCopr(c.Name); err != nil {
			r.Add(p+"/name", fmt.Errorf("COPR repository %s: %w", strictjson.Quote(c.Name), err))
		} else if first, ok := here[c.Name]; ok {
			r.Duplicate(p+"/name", "COPR repository "+strictjson.Quote(c.Name), strictjson.Item("/copr_repos", first)+"/name")
		} else {
			here[c.Name] = i
		}
		r.Object(p).Optional("chroot", c.Chroot, checkChroot)
		if err := checkComment(c.Comment); err != nil {
			r.Add(p+"/comment", err)
		}
	}
}
