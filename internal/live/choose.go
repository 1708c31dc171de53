package live

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/reconcile"
	"bkt/internal/strictjson"
	"bkt/internal/workspace"
)

// chosen is a domain that the user asked for, and the keys of its items; nil: all items.
type chosen struct {
	reconcile.Reconciler
	only *reconcile.Ignore
}

// choose returns the domains that asked names, all if it is empty. It has names of domains,
// first words of several names, and items of a domain, as DOMAIN:KEY. In a key, * matches
// any text and ? any character, as in the ignore file.
func (s System) choose(asked []string) ([]chosen, error) {
	names, whole, globs := s.DomainNames(), map[string]bool{}, map[string][]string{}
	for _, a := range asked {
		name, glob, single := strings.Cut(a, ":")
		matching := reconcile.Matching(name, names)
		switch {
		case len(matching) == 0:
			return nil, unknownDomain(name, names)
		case single && glob == "":
			return nil, hint.Add(fmt.Errorf("%q has no key", a), "to name the whole domain, leave out the colon")
		}
		for _, d := range matching {
			globs[d] = append(globs[d], glob)
			whole[d] = whole[d] || !single
		}
	}
	var all []chosen
	for _, r := range s.reconcilers() {
		switch these := globs[r.Name()]; {
		case len(asked) == 0, whole[r.Name()]:
			all = append(all, chosen{r, nil})
		case these != nil:
			only := reconcile.Globs(these)
			all = append(all, chosen{r, &only})
		}
	}
	return all, nil
}

// Names returns the names that a word on the command line may become: those of domains or,
// after a colon, the declared items of a domain, as DOMAIN:KEY.
func (s System) Names(word string) []string {
	name, _, single := strings.Cut(word, ":")
	if !single {
		return s.DomainNames()
	}
	var all []string
	for _, r := range s.reconcilers() {
		if r.Name() != name {
			continue
		}
		keys, _ := r.Declared(s.Repo.FS(), s.Host) // an invalid manifest has no names
		for _, key := range keys {
			all = append(all, name+":"+key)
		}
	}
	return all
}

// checkKeys returns an error for each key that was asked for and does not exist. Whether it
// exists is unknown if a domain could not be read.
func checkKeys(domains []*Domain, asked []string) error {
	var errs []error
	for _, a := range asked {
		name, glob, single := strings.Cut(a, ":")
		if !single {
			continue
		}
		matching := reconcile.Matching(name, Names(domains))
		of := slices.DeleteFunc(slices.Clone(domains), func(d *Domain) bool { return !slices.Contains(matching, d.Name()) })
		if !slices.ContainsFunc(of, func(d *Domain) bool { return d.Err != nil }) {
			errs = append(errs, checkKey(of, a, glob))
		}
	}
	return errors.Join(errs...)
}

// checkKey returns an error if no domain has an item that glob matches.
func checkKey(domains []*Domain, asked, glob string) error {
	match := reconcile.Globs([]string{glob})
	var keys []string
	for _, d := range domains {
		keys = append(keys, d.Comparison.Keys()...)
		if slices.ContainsFunc(d.Comparison.Keys(), match.Has) || slices.ContainsFunc(d.Comparison.Hidden(), match.Has) {
			return nil
		}
	}
	for _, d := range domains {
		if slices.ContainsFunc(d.Comparison.Ignored(), match.Has) {
			return fmt.Errorf("%s ignores %s", workspace.IgnoreFile, asked)
		}
	}
	err := fmt.Errorf("no item matches %s", asked)
	if near, ok := strictjson.Nearest(glob, keys); ok {
		return hint.Add(err, "did you mean %q?", MaskKey(near))
	}
	return hint.Add(err, "\"bkt drift\" prints the items that differ")
}
