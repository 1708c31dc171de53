package reconcile

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/plan"
)

// Capture implements [Comparison].
func (c *comparison[T]) Capture(repo *Edits, keys []string) error {
	// Another domain may have rewritten the same files.
	declared, err := c.store.Load(repo)
	if err != nil {
		return err
	}
	items := index(declared)
	for _, key := range keys {
		c.capture(items, key)
	}
	return c.store.Save(repo, values(items))
}

// capture gives a declared item the value of the system.
func (c *comparison[T]) capture(declared map[string]T, key string) {
	t := c.items[key]
	old, known := declared[key]
	for _, was := range c.former[key] {
		delete(declared, was)
	}
	switch {
	case t.merged != nil:
		declared[key] = *t.merged
	case t.live != nil && known && t.manifest == nil: // declared only for other computers
		declared[key] = old.WithHosts(append(slices.Clone(old.OnlyOn()), c.in.Host))
	case t.live != nil:
		declared[key] = *t.live
	case len(old.OnlyOn()) > 1:
		others := slices.DeleteFunc(slices.Clone(old.OnlyOn()), func(h string) bool { return h == c.in.Host })
		declared[key] = old.WithHosts(others)
	default:
		delete(declared, key)
	}
}

// Apply implements [Comparison].
func (c *comparison[T]) Apply(keys []string, exact bool) (change, remove plan.Plan) {
	var changes, removals []Diff[T]
	var orphans plan.Plan
	for _, key := range keys {
		if o, ok := c.orphans[key]; ok {
			orphans = append(orphans, o)
			continue
		}
		t := c.items[key]
		want := t.manifest
		if !exact {
			want = c.wanted(t)
		}
		switch {
		case want == nil:
			removals = append(removals, Diff[T]{Have: t.live, Base: t.base})
		default:
			changes = append(changes, Diff[T]{t.live, want, t.base})
		}
	}
	setDomain(orphans, c.name)
	return append(c.plan(changes), orphans...), c.plan(removals)
}

func (c *comparison[T]) plan(diffs []Diff[T]) plan.Plan {
	if len(diffs) == 0 {
		return nil
	}
	p := c.observed.Plan(diffs)
	setDomain(p, c.name)
	return p
}

// setDomain sets the domain of changes and of their fallbacks.
func setDomain(changes []plan.Change, domain string) {
	for i := range changes {
		changes[i].Domain = domain
		setDomain(changes[i].Fallback, domain)
	}
}

// wanted returns the value for the system. If the item was merged for the manifest, it is
// merged the other way round.
func (c *comparison[T]) wanted(t versions[T]) *T {
	if t.merged == nil {
		return t.manifest
	}
	merged, _ := c.domain.(Merger[T]).Merge(*t.base, *t.live, *t.manifest)
	return &merged
}

// Base implements [Comparison].
func (c *comparison[T]) Base(captured, merged []string) ([]byte, bool, error) {
	next := map[string]agreed[T]{}
	for _, a := range c.base.Items {
		if a.Installation == c.observed.identity(a.Item) {
			next[a.Item.Key()] = a
		}
	}
	for key, t := range c.items {
		switch {
		case t.diffCase == "", t.diffCase == CaseBroken, slices.Contains(captured, key):
			c.agree(next, key, t.live)
		case slices.Contains(merged, key), c.reported(t):
			c.agree(next, key, t.manifest)
		}
	}
	b := base[T]{Version: baseVersion, Items: []agreed[T]{}}
	for _, key := range slices.Sorted(maps.Keys(next)) {
		b.Items = append(b.Items, next[key])
	}
	text, err := manifest.Encode(b)
	return text, !bytes.Equal(text, c.in.Base), err
}

func (c *comparison[T]) agree(items map[string]agreed[T], key string, value *T) {
	if value == nil {
		delete(items, key)
		return
	}
	items[key] = agreed[T]{c.observed.identity(*value), *value}
}

func errElsewhere(hosts manifest.Hosts) error {
	return hint.Add(fmt.Errorf("the manifest declares it for %s, with another value", strings.Join(hosts, ", ")),
		"change the value in the manifest to this computer's, or remove the item on this computer")
}
