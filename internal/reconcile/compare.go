package reconcile

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"bkt/internal/manifest"
	"bkt/internal/plan"
)

// A Case says how an item differs.
type Case string

// The cases.
const (
	CaseLive         Case = "live"     // changed on the system
	CaseManifest     Case = "manifest" // changed in the manifest
	CaseConflict     Case = "conflict" // changed on both sides, to different values
	CaseMerge        Case = "merge"    // a list, changed on both sides in different elements
	CaseNew          Case = "new"      // on the system, without a last known state
	CaseMissing      Case = "missing"  // in the manifest, without a last known state
	CaseNoBase       Case = "unknown"  // different on both sides, without a last known state
	CaseUncapturable Case = "unfit"    // on the system, and manifests cannot express it
	CaseBroken       Case = "broken"   // as declared, and a file that bkt wrote for it needs repair
	CaseRenamed      Case = "renamed"  // as declared, under another name that its makers gave it
)

// A Difference is an item that differs between the system and the manifest.
type Difference struct {
	Key  string
	Case Case
	Why  error // the reason of CaseUncapturable and CaseBroken

	// Both sides differ only in what only the system can know, see [Reporter]: an apply
	// does not change it.
	Reported bool

	// The item in the JSON of manifests; nil: it does not exist there.
	Base, Live, Manifest []byte
	Elsewhere            []byte // the item that is declared only for other computers
}

// A Comparison is the result of a comparison. The parameters keys, captured and merged of
// its methods are keys of its differences.
type Comparison interface {
	// Differences returns the differences, sorted by key. UpToDate returns the number
	// of items without one.
	Differences() []Difference
	UpToDate() int
	// Keys returns the keys of the items that the system has or the manifests declare, and
	// of those of which something is left, without those of Ignored and Hidden, sorted.
	Keys() []string
	// Total returns the number of items that the manifests declare for this computer.
	Total() int
	// Ignored returns the keys of the items that the user ignores, sorted.
	Ignored() []string
	// Hidden returns the keys of the items that take no part because they could not be
	// read, sorted. HiddenDeclared returns those that the manifests declare for this
	// computer.
	Hidden() []string
	HiddenDeclared() []string
	// Notes returns notes for the user on the domain as a whole.
	Notes() []string
	// Unread returns the parts of the domain that could not be read, and LeftOut what
	// a capture does not write, including items that the user ignores. Both are sorted.
	Unread() []Unread
	LeftOut() []LeftOut
	// Capture writes the values of the system into the manifests.
	Capture(repo *Edits, keys []string) error
	// Apply returns the plans that give the system the values in the manifests: first
	// the plan that adds and changes, then the plan that removes. Where a list has
	// changed on both sides, the system gets the merged value or, if exact, the one in
	// the manifest.
	Apply(keys []string, exact bool) (change, remove plan.Plan)
	// Base returns the new text of the base after captured were captured, and merged
	// were merged and applied, and whether it differs from the present text.
	Base(captured, merged []string) (text []byte, differs bool, err error)
}

type comparison[T Item[T]] struct {
	reconciler[T]
	in          Input
	here        map[string]T // declared for this computer
	elsewhere   map[string]T // declared only for other computers
	observed    Snapshot[T]
	base        base[T]
	items       map[string]versions[T] // all, by key
	orphans     map[string]plan.Change // that remove what is left of an item, by its key
	differences []Difference
	ignored     []string
	hidden      []string
	former      map[string][]string // by key, the keys under which the manifest declares an item
	leftOut     []LeftOut
	upToDate    int
	total       int
}

// versions are the values of an item. Nil: it does not exist.
type versions[T any] struct {
	base, live, manifest, merged *T
	diffCase                     Case  // "": up to date
	broken                       error // the reason of CaseBroken
}

func (c *comparison[T]) Differences() []Difference { return c.differences }
func (c *comparison[T]) UpToDate() int             { return c.upToDate }
func (c *comparison[T]) Total() int                { return c.total }
func (c *comparison[T]) Ignored() []string         { return c.ignored }
func (c *comparison[T]) Hidden() []string          { return c.hidden }
func (c *comparison[T]) Notes() []string           { return c.observed.Notes }
func (c *comparison[T]) Unread() []Unread          { return c.observed.Unread }
func (c *comparison[T]) LeftOut() []LeftOut        { return c.leftOut }

func (c *comparison[T]) HiddenDeclared() []string {
	return slices.DeleteFunc(slices.Clone(c.hidden), func(key string) bool { return at(c.here, key) == nil })
}

// Keys implements [Comparison].
func (c *comparison[T]) Keys() []string {
	var all []string
	for key, t := range c.items {
		if t.live != nil || t.manifest != nil {
			all = append(all, key)
		}
	}
	all = append(all, slices.Collect(maps.Keys(c.orphans))...)
	slices.Sort(all)
	return all
}

func (c *comparison[T]) compare() {
	here := c.follow()
	live, base := c.live(here), c.base.of(c.observed)
	keys := map[string]bool{}
	for _, m := range []map[string]T{live, base, here} {
		for key, item := range m {
			keys[key] = !c.in.Ignore.Has(key) && !c.observed.hides(item)
		}
	}
	c.items, c.total = map[string]versions[T]{}, len(here)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		switch {
		case keys[key]:
			c.add(key, versions[T]{base: at(base, key), live: at(live, key), manifest: c.resolved(at(here, key))})
		case c.in.Ignore.Has(key):
			c.ignored = append(c.ignored, key)
		default:
			c.hidden = append(c.hidden, key)
		}
	}
	c.addOrphans()
	c.sortFindings(live, here)
}

// addOrphans adds a difference for each item of which only files are left. An item that could
// not be read may exist, and one that is declared for other computers may exist on these,
// with the same home.
func (c *comparison[T]) addOrphans() {
	c.orphans = map[string]plan.Change{}
	for _, o := range c.observed.Orphans {
		t, isElsewhere := c.items[o.Key], at(c.elsewhere, o.Key) != nil
		if c.in.Ignore.Has(o.Key) || slices.Contains(c.hidden, o.Key) || t.live != nil || t.manifest != nil || isElsewhere {
			continue
		}
		c.orphans[o.Key] = o.Remove
		name, err := manifest.Encode(map[string]string{"name": o.Key})
		if err != nil {
			name = []byte("null")
		}
		c.differences = append(c.differences, Difference{Key: o.Key, Case: CaseBroken, Why: o.Why, Live: name, Manifest: name})
	}
	slices.SortFunc(c.differences, func(a, b Difference) int { return strings.Compare(a.Key, b.Key) })
}

// IgnoredItems is the reason of [LeftOut] for items that a pattern of the user ignores.
const IgnoredItems = "ignored items"

// sortFindings collects what a capture leaves out, which includes ignored items of the
// system that the manifest does not have, and sorts it and what could not be read.
func (c *comparison[T]) sortFindings(live, here map[string]T) {
	c.leftOut = slices.Clone(c.observed.LeftOut)
	for _, key := range c.ignored {
		if t := at(live, key); t != nil && !c.same(t, c.resolved(at(here, key))) {
			c.leftOut = append(c.leftOut, LeftOut{IgnoredItems, key})
		}
	}
	slices.SortFunc(c.leftOut, func(a, b LeftOut) int {
		return cmp.Or(strings.Compare(a.Reason, b.Reason), strings.Compare(a.What, b.What))
	})
	slices.SortStableFunc(c.observed.Unread, func(a, b Unread) int { return strings.Compare(a.What, b.What) })
}

// live returns the items of the system by key, without default items that are not
// declared.
func (c *comparison[T]) live(here map[string]T) map[string]T {
	items := index(c.observed.Items)
	if c.observed.IsDefault != nil {
		maps.DeleteFunc(items, func(key string, item T) bool { return at(here, key) == nil && c.observed.IsDefault(item) })
	}
	return items
}

// resolved returns the meaning of a declared item on this system.
func (c *comparison[T]) resolved(item *T) *T {
	if item == nil || c.observed.Resolve == nil {
		return item
	}
	meant := c.observed.Resolve(*item)
	return &meant
}

func (c *comparison[T]) add(key string, t versions[T]) {
	t.diffCase = c.caseOf(&t)
	why := t.broken
	if err := c.uncapturable(key, t); err != nil {
		t.diffCase, why = CaseUncapturable, err
	}
	if t.diffCase == "" && len(c.former[key]) > 0 {
		t.diffCase = CaseRenamed
	}
	c.items[key] = t
	switch {
	case t.diffCase != "":
		declared := c.declaredAs(key, t.manifest)
		c.differences = append(c.differences, Difference{key, t.diffCase, why, c.reported(t), encode(t.base), encode(t.live), encode(declared), encode(at(c.elsewhere, key))})
	case t.live != nil:
		c.upToDate++
	}
}

// caseOf returns the case of an item, and sets its merged value.
func (c *comparison[T]) caseOf(t *versions[T]) Case {
	switch {
	case c.same(t.live, t.manifest):
		return c.findBroken(t)
	case c.reported(*t):
		return CaseLive
	case t.base == nil && t.manifest == nil:
		return CaseNew
	case t.base == nil && t.live == nil:
		return CaseMissing
	case t.base == nil && c.needsRepair(*t):
		return CaseManifest
	case t.base == nil:
		return CaseNoBase
	case c.same(t.manifest, t.base):
		return CaseLive
	case c.same(t.live, t.base):
		return CaseManifest
	case c.merge(t):
		return c.merging(t)
	}
	return CaseConflict
}

// findBroken returns the case of an item that is as declared, and sets why it is broken.
func (c *comparison[T]) findBroken(t *versions[T]) Case {
	if t.live == nil || c.observed.Broken == nil {
		return ""
	}
	if t.broken = c.observed.Broken(*t.live); t.broken == nil {
		return ""
	}
	return CaseBroken
}

// reported reports whether both sides of an item differ only in the part that only the
// system can know.
func (c *comparison[T]) reported(t versions[T]) bool {
	r, ok := c.domain.(Reporter[T])
	if !ok || t.live == nil || t.manifest == nil {
		return false
	}
	return c.domain.Same(r.Applicable(*t.live), r.Applicable(*t.manifest))
}

// needsRepair reports whether the system has what the manifest says, and lacks something
// that belongs to it.
func (c *comparison[T]) needsRepair(t versions[T]) bool {
	r, ok := c.domain.(Repairer[T])
	return ok && c.domain.Same(*t.live, r.Declared(*t.manifest))
}

// merging returns the case of an item that can be merged. If one side already has all
// changes of the other, only the other differs.
func (c *comparison[T]) merging(t *versions[T]) Case {
	which := CaseMerge
	switch {
	case c.same(t.merged, t.live):
		which = CaseLive
	case c.same(t.merged, t.manifest):
		which = CaseManifest
	}
	if which != CaseMerge {
		t.merged = nil
	}
	return which
}

func (c *comparison[T]) merge(t *versions[T]) bool {
	m, ok := c.domain.(Merger[T])
	if !ok || t.live == nil || t.manifest == nil {
		return false
	}
	merged, ok := m.Merge(*t.base, *t.manifest, *t.live)
	if ok {
		t.merged = &merged
	}
	return ok
}

func (c *comparison[T]) same(a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return c.domain.Same(*a, *b)
}

// uncapturable returns an error if an item cannot be captured.
func (c *comparison[T]) uncapturable(key string, t versions[T]) error {
	if t.live == nil || t.diffCase == "" || t.diffCase == CaseManifest || t.diffCase == CaseBroken {
		return nil
	}
	if other, ok := c.elsewhere[key]; ok && !c.domain.Same(other, *t.live) {
		return errElsewhere(other.OnlyOn())
	}
	return manifest.Check(*t.live)
}

func index[T Item[T]](items []T) map[string]T {
	m := make(map[string]T, len(items))
	for _, item := range items {
		m[item.Key()] = item
	}
	return m
}

// byHost returns, by key, the items that are for host and those that are not.
func byHost[T Item[T]](items []T, host string) (here, elsewhere map[string]T) {
	here, elsewhere = map[string]T{}, map[string]T{}
	for _, item := range items {
		if item.OnlyOn().Include(host) {
			here[item.Key()] = item
		} else {
			elsewhere[item.Key()] = item
		}
	}
	return here, elsewhere
}

func values[T any](m map[string]T) []T {
	var all []T
	for _, key := range slices.Sorted(maps.Keys(m)) {
		all = append(all, m[key])
	}
	return all
}

func at[T any](m map[string]T, key string) *T {
	if v, ok := m[key]; ok {
		return &v
	}
	return nil
}

// encode returns an item in JSON, "null" if manifests cannot express it.
func encode[T any](p *T) []byte {
	if p == nil {
		return nil
	}
	text, err := manifest.Encode(*p)
	if err != nil {
		return []byte("null")
	}
	return text
}
