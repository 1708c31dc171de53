package merge

import "slices"

// orders are the order of the merged keys of a list, as each side wants it.
type orders struct{ ours, theirs []string }

// order returns the order of the keys that one of two sides has. The side that has moved
// keys wins; if both have, they do not agree. New keys keep their place before the next
// key of their side.
func order(base, ours, theirs []string) orders {
	if slices.IsSorted(ours) && slices.IsSorted(theirs) {
		both := slices.Concat(ours, theirs)
		slices.Sort(both)
		both = slices.Compact(both)
		return orders{both, both}
	}
	common := func(list []string) []string {
		in := func(other []string, key string) bool { return other == nil || slices.Contains(other, key) }
		return slices.DeleteFunc(slices.Clone(list), func(key string) bool {
			return !in(base, key) || !in(ours, key) || !in(theirs, key)
		})
	}
	was, our, their := common(base), common(ours), common(theirs)
	switch {
	case slices.Equal(our, their), base != nil && slices.Equal(their, was):
		both := insert(ours, theirs)
		return orders{both, both}
	case base != nil && slices.Equal(our, was):
		both := insert(theirs, ours)
		return orders{both, both}
	}
	return orders{insert(ours, theirs), insert(theirs, ours)}
}

// insert adds to keys those that only other has, each before the key that follows it there.
func insert(keys, other []string) []string {
	all := slices.Clone(keys)
	at := len(all)
	for _, key := range slices.Backward(other) {
		if i := slices.Index(all, key); i >= 0 {
			at = i
			continue
		}
		all = slices.Insert(all, at, key)
	}
	return all
}
