package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json/jsontext"
)

// Packages has the packages that an image installs with dnf: system-packages.json or
// toolbox-packages.json.
type Packages struct {
	Schema   string   `json:"$schema,omitempty"`
	Packages []string `json:"packages"`             // dnf specs, also @group
	Groups   []string `json:"groups,omitempty"`     // with or without the @
	Excluded []string `json:"excluded,omitempty"`   // never installed: names, versions and globs
	Removed  []string `json:"removed,omitempty"`    // from the base: dnf specs
	Coprs    []Copr   `json:"copr_repos,omitempty"` // further sources of packages
}

// A Copr is a package repository on COPR (https://copr.fedorainfracloud.org).
type Copr struct {
	Name      string      `json:"name"` // owner/project or @group/project
	Disabled  DefaultTrue `json:"enabled,omitzero"`
	Unchecked DefaultTrue `json:"gpg_check,omitzero"`
	Comment   string      `json:"comment,omitempty"`
}

// Enabled reports whether packages may come from the repository.
func (c Copr) Enabled() bool { return !bool(c.Disabled) }

// GPGCheck reports whether the signatures of its packages are checked.
func (c Copr) GPGCheck() bool { return !bool(c.Unchecked) }

// canonical returns p with its lists sorted and without duplicates.
func (p Packages) canonical() Packages {
	p.Packages = sorted(p.Packages, strings.Compare)
	p.Groups = slices.CompactFunc(sorted(p.Groups, compareGroups), func(a, b string) bool {
		return groupSpec(a) == groupSpec(b)
	})
	p.Excluded = sorted(p.Excluded, strings.Compare)
	p.Removed = sorted(p.Removed, strings.Compare)
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
	packages := checkSpecs(r, "packages", p.Packages, checkPackage)
	groups := checkSpecs(r, "groups", p.Groups, checkGroup, packages)
	checkSpecs(r, "excluded", p.Excluded, checkExcluded, packages, groups)
	checkSpecs(r, "removed", p.Removed, checkPackage, packages, groups)
	checkCoprs(r, p.Coprs)
}

// listed are the specs of one list, with their indexes.
type listed struct {
	list  string
	specs []string
	index map[string]int
}

func (l listed) pointer(i int) jsontext.Pointer {
	return jsontext.Pointer("/" + l.list + "/" + strconv.Itoa(i))
}

// checkSpecs checks one list of specs, and reports duplicates in it and between it and
// others.
func checkSpecs(r *strictjson.Report, list string, specs []string, check func(string) error, others ...listed) listed {
	here := listed{list, specs, make(map[string]int, len(specs))}
	for i, text := range specs {
		if r.Truncated() {
			break
		}
		what, spec := "package", text
		if list == "groups" {
			spec = groupSpec(text)
		}
		if strings.HasPrefix(spec, "@") {
			what = "group"
		}
		if err := check(text); err != nil {
			r.Add(here.pointer(i), fmt.Errorf("%s %s: %w", what, strictjson.Quote(text), err))
			continue
		}
		if first, ok := here.index[spec]; ok {
			err := fmt.Errorf("duplicate %s %s (first at %s)", what, strictjson.Quote(text), r.Where(here.pointer(first)))
			r.Add(here.pointer(i), sameGroup(err, text, specs[first]))
			continue
		}
		here.index[spec] = i
		for _, o := range others {
			if other, ok := o.index[spec]; ok {
				err := fmt.Errorf("%s %s is in %s, and also in %s (at %s)", what, strictjson.Quote(text), list, o.list, r.Where(o.pointer(other)))
				r.Add(here.pointer(i), sameGroup(err, text, o.specs[other]))
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

func checkCoprs(r *strictjson.Report, coprs []Copr) {
	here := listed{list: "copr_repos", index: make(map[string]int, len(coprs))}
	for i, c := range coprs {
		if r.Truncated() {
			break
		}
		p := here.pointer(i)
		if err := checkCopr(c.Name); err != nil {
			r.Add(p+"/name", fmt.Errorf("COPR repository %s: %w", strictjson.Quote(c.Name), err))
		} else if first, ok := here.index[c.Name]; ok {
			r.Duplicate(p+"/name", "COPR repository "+strictjson.Quote(c.Name), here.pointer(first)+"/name")
		} else {
			here.index[c.Name] = i
		}
		if err := checkComment(c.Comment); err != nil {
			r.Add(p+"/comment", err)
		}
	}
}
