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
	sides := map[string]int{} // how many have the key
	for _, list := range [][]string{base, ours, theirs} {
		for _, key := range list {
			sides[key]++
		}
	}
	all := 3
	for _, list := range [][]string{base, ours, theirs} {
		if list == nil {
			all--
		}
	}
	common := func(list []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(key string) bool { return sides[key] < all })
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
	has := map[string]bool{}
	for _, key := range keys {
		has[key] = true
	}
	before, waiting := map[string][]string{}, []string(nil) // for the key that follows
	for _, key := range other {
		if has[key] {
			before[key], waiting = waiting, nil
		} else {
			waiting = append(waiting, key)
		}
	}
	var all []string
	for _, key := range keys {
		all = append(append(all, before[key]...), key)
	}
	return append(all, waiting...)
}
