// Package merge merges the texts of a manifest that two sides have changed, item by item,
// and decides conflicts.
//
// It works on JSON, with what the types in package manifest say about its lists and
// objects, so that it also merges files that bkt cannot read, such as those of a newer bkt.
// It writes no file.
package merge

// versions are the three versions of a value; nil: it does not exist in that one.
type versions struct{ base, ours, theirs *node }

// of returns the versions of a part of the value.
func (v versions) of(part func(*node) *node) versions {
	return versions{part(v.base), part(v.ours), part(v.theirs)}
}

// A result is the merged value, as each side wants it. If both want the same, there is no
// conflict. What is not in conflict is merged on both.
type result struct{ ours, theirs *node }

func agreed(n *node) result { return result{n, n} }

func (r result) inConflict() bool { return !same(r.ours, r.theirs) }

// A merger merges one manifest.
type merger struct {
	// wholeItems has items that both sides changed conflict, even if they changed
	// different fields.
	wholeItems bool
	conflicts  int
}

// outcome returns the value of a result, or a conflict.
func (m *merger) outcome(r result, base *node) *node {
	if !r.inConflict() {
		return r.ours
	}
	m.conflicts++
	return conflict(r.ours, r.theirs, base)
}

// value merges a value. Within an item, it leaves conflicts to the item.
func (m *merger) value(s *shape, v versions, inItem bool) result {
	switch {
	case same(v.ours, v.theirs), same(v.base, v.theirs):
		return agreed(v.ours)
	case same(v.base, v.ours):
		return agreed(v.theirs)
	}
	if s.rule != nil && v.ours != nil && v.theirs != nil {
		return s.byRule(v)
	}
	long := v.of(s.expand)
	if !s.hasParts(long) || inItem && m.wholeItems {
		return result{v.ours, v.theirs}
	}
	var r result
	switch {
	case long.ours.is('['), long.theirs.is('['):
		r = m.list(s, long, inItem || s.form == whole)
	case s.form == names:
		r = m.names(s, long, inItem)
	default:
		r = m.record(s, long, inItem || s.form == whole || s.together != nil)
	}
	return result{s.shorten(r.ours, v.ours, v.theirs), s.shorten(r.theirs, v.ours, v.theirs)}
}

// maxByRule is the maximum size of the versions of a value that its rule merges, in bytes:
// rules compare each part with each other part.
const maxByRule = 16 << 10

// byRule merges a value by the rule of its field.
func (s *shape) byRule(v versions) result {
	var base []byte
	if v.base != nil {
		base = write(v.base)
	}
	ours, theirs := write(v.ours), write(v.theirs)
	if len(base)+len(ours)+len(theirs) > maxByRule {
		return result{v.ours, v.theirs}
	}
	if text, ok := s.rule(base, ours, theirs); ok {
		if merged, err := parse(text); err == nil {
			return agreed(merged)
		}
	}
	return result{v.ours, v.theirs}
}

// hasParts reports whether all versions of a value have parts that are merged. A list or an
// object that a type describes and that is missing has none, which is a change of its
// parts; any other value that is missing has been removed.
func (s *shape) hasParts(v versions) bool {
	kind := s.kind()
	if kind == 0 && v.ours != nil && v.theirs != nil {
		kind = v.ours.kind
	}
	for _, n := range []*node{v.base, v.ours, v.theirs} {
		if _, ok := parseConflict(n); ok || n != nil && n.kind != kind || n == nil && s.limit {
			return false
		}
	}
	return kind == '{' || kind == '['
}

// record merges the fields of an object.
func (m *merger) record(s *shape, v versions, inItem bool) result {
	r := result{object(), object()}
	divided := s.divided(v)
	for _, name := range s.order(v.ours, v.theirs) {
		part := v.of(func(n *node) *node { return n.field(name) })
		one := result{part.ours, part.theirs}
		if !divided[name] {
			one = m.value(s.field(name), part, inItem)
		}
		if !inItem {
			one = agreed(m.outcome(one, part.base))
		}
		r.ours.set(name, one.ours)
		r.theirs.set(name, one.theirs)
	}
	return v.unlessEmpty(r)
}

// divided returns the fields that would come from both sides, although they belong
// together.
func (s *shape) divided(v versions) map[string]bool {
	unit := v.of(func(n *node) *node {
		all := object()
		for _, name := range s.together {
			all.set(name, n.field(name))
		}
		return all
	})
	all := map[string]bool{}
	if !same(unit.ours, unit.theirs) && !same(unit.base, unit.ours) && !same(unit.base, unit.theirs) {
		for _, name := range s.together {
			all[name] = true
		}
	}
	return all
}

// names merges the entries of an object whose names the user chooses.
func (m *merger) names(s *shape, v versions, inItem bool) result {
	r := result{object(), object()}
	for _, name := range s.order(v.ours, v.theirs) {
		one := m.entry(s.entry, v.of(func(n *node) *node { return n.field(name) }), inItem)
		r.ours.set(name, one.ours)
		r.theirs.set(name, one.theirs)
	}
	return v.unlessEmpty(r)
}

// entry merges an entry of an object or a list. An entry that is not within another item is
// an item.
func (m *merger) entry(s *shape, v versions, inItem bool) result {
	var r result
	if v.ours == nil || v.theirs == nil {
		r = m.value(unknown, v, true) // one side may have removed it
	} else {
		r = m.value(s, v, true)
	}
	if !inItem {
		r = agreed(m.outcome(r, v.base))
	}
	return r
}

// unlessEmpty returns a result without the empty values that one side does not have.
func (v versions) unlessEmpty(r result) result {
	trim := func(n *node) *node {
		if len(n.names) == 0 && len(n.items) == 0 && (v.ours == nil || v.theirs == nil) {
			return nil
		}
		return n
	}
	return result{trim(r.ours), trim(r.theirs)}
}

// list merges the items of a list by their keys.
func (m *merger) list(s *shape, v versions, inItem bool) result {
	entry := s.entryShape()
	bases, base, okBase := entry.keys(v.base)
	ours, our, okOurs := entry.keys(v.ours)
	theirs, their, okTheirs := entry.keys(v.theirs)
	if !okBase || !okOurs || !okTheirs {
		return result{v.ours, v.theirs}
	}
	keys, merged := order(bases, ours, theirs), map[string]result{}
	for _, key := range keys.ours {
		merged[key] = m.entry(entry, versions{base[key], our[key], their[key]}, inItem)
	}
	r := result{&node{kind: '['}, &node{kind: '['}}
	for _, key := range keys.ours {
		r.ours.items = appendNode(r.ours.items, merged[key].ours)
	}
	for _, key := range keys.theirs {
		r.theirs.items = appendNode(r.theirs.items, merged[key].theirs)
	}
	return v.unlessEmpty(r)
}

func appendNode(all []*node, n *node) []*node {
	if n == nil {
		return all
	}
	return append(all, n)
}
