package reconcile

import (
	"maps"
	"slices"
)

// follow returns the declared items under the names that they have on the system now, and
// notes their former keys. An item that is declared under its new name, too, stays as it
// is declared there.
func (c *comparison[T]) follow() map[string]T {
	c.former = map[string][]string{}
	if c.observed.Renamed == nil {
		return c.here
	}
	followed := maps.Clone(c.here)
	for _, key := range slices.Sorted(maps.Keys(c.here)) {
		renamed, ok := c.observed.Renamed(c.here[key])
		if !ok || c.in.Ignore.Has(key) {
			continue
		}
		delete(followed, key)
		if _, declared := followed[renamed.Key()]; !declared {
			followed[renamed.Key()] = renamed
		}
		c.former[renamed.Key()] = append(c.former[renamed.Key()], key)
	}
	return followed
}

// declaredAs returns the declaration of an item under its first former key, and otherwise
// under its key.
func (c *comparison[T]) declaredAs(key string, now *T) *T {
	if was := c.former[key]; len(was) > 0 {
		return at(c.here, was[0])
	}
	return now
}
