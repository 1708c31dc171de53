package live

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
	"bkt/internal/secret"
)

// An Item is a difference in a domain, and the decision about it.
type Item struct {
	reconcile.Difference
	Domain *Domain
	Op     plan.Op // "": the item stays as it is
	Result Result  // "": not known yet
	Err    error   // why it was refused, or failed

	// Restored: what someone changed or removed on the system becomes what the manifest
	// says, without merging.
	Restored bool

	reported bool // that it was applied; an item may take several changes
}

// A Result is what became of an item.
type Result string

// The results, as --json prints them.
const (
	Captured Result = "captured"
	Applied  Result = "applied"
	Kept     Result = "kept"    // the other direction would change it
	Listed   Result = "listed"  // --prune would remove it
	Refused  Result = "refused" // a user has to decide
	Failed   Result = "failed"
	Waiting  Result = "waiting" // auto-capture captures it later
)

// A Direction says which side of an item changes.
type Direction int

// The directions.
const (
	ToManifest Direction = iota // capture
	ToSystem                    // apply
)

// sides returns the value that changes, and its new value.
func (to Direction) sides(d reconcile.Difference) (have, want []byte) {
	have, want = d.Manifest, d.Live
	if to == ToSystem {
		have, want = want, have
	}
	if d.Case == reconcile.CaseMerge {
		have = d.Base // a merge adds only what is new since the last known state
	}
	return have, want
}

// Op returns the kind of change for a difference in this direction.
func (to Direction) Op(d reconcile.Difference) plan.Op {
	switch have, want := to.sides(d); {
	case have == nil:
		return plan.Add
	case want == nil:
		return plan.Remove
	}
	return plan.Modify
}

// Items returns an item for each difference of the domains that the user asked for, in
// their order. decide sets what happens to it; nil leaves every item unchanged.
func Items(domains []*Domain, decide func(*Item)) []Item {
	var items []Item
	for _, d := range domains {
		if d.Comparison == nil {
			continue
		}
		for _, difference := range d.Comparison.Differences() {
			if !d.has(difference.Key) {
				continue
			}
			i := Item{Difference: difference, Domain: d}
			if decide != nil {
				decide(&i)
			}
			items = append(items, i)
		}
	}
	return items
}

// Keep leaves the item unchanged.
func (i *Item) Keep() { i.Op, i.Result = "", Kept }

// CanCapture reports whether a capture can write the item to its manifest. CanApply reports
// whether an apply can change the system: it cannot change what only the system knows.
func (i Item) CanCapture() bool {
	return i.Case != reconcile.CaseUncapturable && i.Case != reconcile.CaseBroken
}

// CanApply: see CanCapture. Under its new name, an item already is as declared.
func (i Item) CanApply() bool { return !i.Reported && i.Case != reconcile.CaseRenamed }

// Refuse leaves the item unchanged until a user decides; err says why, if the user does
// not know.
func (i *Item) Refuse(err error) { i.Op, i.Result, i.Err = "", Refused, err }

// Changing reports whether any of the items changes.
func Changing(items []Item) bool { return len(selected(items)) > 0 }

// A selection has the keys of the items of a domain that change. If it is exact, lists get
// the values in the manifest, without merging.
type selection struct {
	*Domain
	keys  []string
	exact bool
}

// selected groups the items that change by domain, in their order.
func selected(items []Item) []selection {
	var all []selection
	for _, i := range items {
		if i.Op == "" {
			continue
		}
		if n := len(all); n == 0 || all[n-1].Domain != i.Domain {
			all = append(all, selection{Domain: i.Domain})
		}
		last := &all[len(all)-1]
		last.keys = append(last.keys, i.Key)
		last.exact = last.exact || i.Restored
	}
	return all
}

// setResult sets the result of the items that change and have none yet.
func setResult(items []Item, r Result) {
	for n := range items {
		if i := &items[n]; i.Op != "" && i.Result == "" {
			i.Result = r
		}
	}
}

// Count returns how many of the items have the result.
func Count(items []Item, r Result) int {
	n := 0
	for _, i := range items {
		if i.Result == r {
			n++
		}
	}
	return n
}

// Refusals joins the errors of the items. Items of a domain that have the same error
// share one; it names up to limit of them.
func Refusals(items []Item, limit int) error {
	type group struct {
		domain *Domain
		err    string
	}
	of := func(i Item) group {
		return group{i.Domain, strings.Join(append(hint.Of(i.Err), i.Err.Error()), "\n")}
	}
	keys := map[group][]string{}
	for _, i := range items {
		if i.Err != nil {
			keys[of(i)] = append(keys[of(i)], i.MaskedKey())
		}
	}
	var errs []error
	for _, i := range items {
		if i.Err == nil || keys[of(i)] == nil {
			continue
		}
		errs = append(errs, fmt.Errorf("%s: %s: %w", i.Domain.Name(), enumerate(keys[of(i)], limit), i.Err))
		delete(keys, of(i))
	}
	return errors.Join(errs...)
}

// Sum returns a fingerprint of the item's value on the system. A short secret could
// be guessed from its fingerprint, so secrets do not enter it.
func (i Item) Sum() string {
	value := i.Live
	if newSecret(i.Difference) != "" {
		value = secret.MaskItem(value)
	}
	s := sha256.Sum256(value)
	return hex.EncodeToString(s[:])
}
