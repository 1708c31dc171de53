// Package mergetest has manifests of all kinds that two sides edit at random, and what their
// merge must be, for the tests of the merge and of git with it.
package mergetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"bkt/internal/manifest"
)

// A Pair is a manifest that two sides have edited.
type Pair struct {
	File               manifest.File
	Base, Ours, Theirs []byte
	// Conflicts is how many items both sides changed in the same place. WithOurs and
	// WithTheirs are the merge if each of them is decided for one side.
	Conflicts            int
	WithOurs, WithTheirs []byte
}

// A place identifies an item of a manifest: the one with a number in a slot.
type place struct{ slot, number int }

// An edition is the content of a manifest: for each item, the variants of its fields; 0: it
// does not have the field.
type edition map[place]map[string]int

// New returns a random pair, each side of which has up to edits edits. Without clash, they
// are in different places.
func New(r *rand.Rand, edits int, clash bool) (Pair, error) {
	k := kinds[r.IntN(len(kinds))]
	base := k.random(r)
	ours := k.edit(r, base, nil, 1+r.IntN(edits))
	taken := ours
	if clash {
		taken = nil
	}
	theirs := k.edit(r, base, changes(base, taken), 1+r.IntN(edits))
	p := Pair{File: k.file()}
	withOurs, conflicts := k.combine(base, ours, theirs)
	withTheirs, _ := k.combine(base, theirs, ours)
	p.Conflicts = conflicts
	for text, e := range map[*[]byte]edition{&p.Base: base, &p.Ours: ours, &p.Theirs: theirs, &p.WithOurs: withOurs, &p.WithTheirs: withTheirs} {
		var err error
		if *text, err = k.text(e); err != nil {
			return p, err
		}
	}
	return p, nil
}

// Paths returns the paths of the manifests that [New] edits.
func Paths() []string {
	var all []string
	for _, k := range kinds {
		all = append(all, k.path)
	}
	return all
}

// random returns an edition with about half of the possible items.
func (k kind) random(r *rand.Rand) edition {
	e := edition{}
	for s, sl := range k.slots {
		for n := range numbers {
			if r.IntN(2) == 0 || sl.fixed {
				e[place{s, n}] = sl.variants(r)
			}
		}
	}
	return e
}

// numbers is how many items a slot may have; variants is how many values a field has.
const (
	numbers  = 6
	variants = 4
)

func (s slot) variants(r *rand.Rand) map[string]int {
	all := map[string]int{}
	for _, name := range s.names() {
		all[name] = r.IntN(s.variantsOf(name))
	}
	return all
}

// names returns the names of the fields, sorted.
func (s slot) names() []string { return slices.Sorted(maps.Keys(s.fields)) }

// variantsOf returns how many values a field has, with that of its absence.
func (s slot) variantsOf(name string) int {
	switch {
	case name != scalar && !strings.Contains(s.fields[name], "@"):
		return 2
	case s.item == states:
		return 3
	}
	return variants
}

// edit returns e after some edits, none of them of the items in taken.
func (k kind) edit(r *rand.Rand, e edition, taken map[place]bool, edits int) edition {
	e = maps.Clone(e)
	for range edits {
		s := r.IntN(len(k.slots))
		at, sl := place{s, r.IntN(numbers)}, k.slots[s]
		if sl.fixed {
			at.number = 0
		}
		fields, there := e[at]
		switch {
		case taken[at]:
		case !there:
			e[at] = sl.variants(r)
		case len(sl.fields) == 0 || r.IntN(3) == 0 && !sl.fixed:
			delete(e, at)
		default:
			e[at] = maps.Clone(fields)
			name := sl.names()[r.IntN(len(sl.fields))]
			values := sl.variantsOf(name)
			e[at][name] = (fields[name] + 1 + r.IntN(values-1)) % values
		}
	}
	return e
}

// changes returns the places in which two editions differ; none if one is nil.
func changes(a, b edition) map[place]bool {
	all := map[place]bool{}
	if b == nil {
		return all
	}
	for _, e := range []edition{a, b} {
		for at := range e {
			x, inA := a[at]
			y, inB := b[at]
			all[at] = inA != inB || !maps.Equal(x, y)
		}
	}
	return all
}

// combine returns the merge in which ours wins, and the number of conflicts.
func (k kind) combine(base, ours, theirs edition) (merged edition, conflicts int) {
	merged = edition{}
	all := maps.Clone(ours)
	maps.Copy(all, theirs)
	maps.Copy(all, base)
	for at := range all {
		b, inBase := base[at]
		o, inOurs := ours[at]
		t, inTheirs := theirs[at]
		sameOurs := inBase == inOurs && maps.Equal(b, o)
		sameTheirs := inBase == inTheirs && maps.Equal(b, t)
		switch {
		case sameOurs:
			o, inOurs = t, inTheirs
		case sameTheirs || inOurs == inTheirs && maps.Equal(o, t):
		case !inOurs || !inTheirs:
			conflicts++
		default:
			var clashes int
			if !inBase {
				b = k.slots[at.slot].absent()
			}
			o, clashes = combineFields(b, o, t)
			if !k.slots[at.slot].fixed { // an item is in conflict as a whole
				clashes = min(clashes, 1)
			}
			conflicts += clashes
		}
		if inOurs {
			merged[at] = o
		}
	}
	return merged, conflicts
}

// absent returns the fields of an item that does not exist. A field that each item has, has
// none of its variants.
func (s slot) absent() map[string]int {
	all := map[string]int{}
	for name := range s.fields {
		if name == scalar || strings.Contains(s.item, `"`+name+`":`) {
			all[name] = -1
		}
	}
	return all
}

func combineFields(base, ours, theirs map[string]int) (merged map[string]int, clashes int) {
	merged = maps.Clone(ours)
	for name := range ours {
		switch {
		case ours[name] == theirs[name], theirs[name] == base[name]:
		case ours[name] == base[name]:
			merged[name] = theirs[name]
		default:
			clashes++
		}
	}
	return merged, clashes
}

func (k kind) file() manifest.File {
	for _, f := range manifest.All() {
		if f.Path == k.path {
			return f
		}
	}
	panic("no manifest " + k.path)
}

// text returns the canonical text of an edition.
func (k kind) text(e edition) ([]byte, error) {
	var root map[string]any
	if err := json.Unmarshal([]byte(k.rest), &root); err != nil {
		return nil, fmt.Errorf("%s: %w", k.path, err)
	}
	for s, sl := range k.slots {
		for n := range numbers {
			fields, ok := e[place{s, n}]
			if !ok || sl.fixed && n > 0 {
				continue
			}
			if err := sl.put(root, n, fields); err != nil {
				return nil, fmt.Errorf("%s %s: %w", k.path, sl.at, err)
			}
		}
	}
	text, err := json.Marshal(root)
	if err != nil {
		return nil, err
	}
	return k.file().Format(k.path, text)
}

// put adds an item to the tree.
func (s slot) put(root map[string]any, n int, fields map[string]int) error {
	item, err := s.value(n, fields)
	if err != nil {
		return err
	}
	words := strings.Split(s.at, ".")
	at, last := root, words[len(words)-1]
	for _, word := range words[:len(words)-1] {
		at = child(at, word)
	}
	switch {
	case s.fixed:
		maps.Copy(child(at, last), item.(map[string]any))
	case s.name != "":
		child(at, last)[fmt.Sprintf(s.name, n)] = item
	default:
		list, _ := at[last].([]any)
		at[last] = append(list, item)
	}
	return nil
}

// child returns an object in another one. A word with [] is the only item of a list.
func child(at map[string]any, word string) map[string]any {
	if name, ok := strings.CutSuffix(word, "[]"); ok {
		return at[name].([]any)[0].(map[string]any)
	}
	if _, ok := at[word]; !ok {
		at[word] = map[string]any{}
	}
	return at[word].(map[string]any)
}

// value returns the item with a number. Of two forms, odd items have the short one.
func (s slot) value(n int, fields map[string]int) (any, error) {
	var item any
	text := s.item
	has := slices.ContainsFunc(slices.Collect(maps.Values(fields)), func(v int) bool { return v > 0 })
	if s.short != "" && n%2 == 1 && !has {
		text = s.short
	}
	variant := fields[scalar]
	text = strings.NewReplacer("#", fmt.Sprint(n), "@", fmt.Sprint(variant)).Replace(text)
	if err := json.Unmarshal([]byte(text), &item); err != nil {
		return nil, fmt.Errorf("%s: %w", text, err)
	}
	if values, ok := item.([]any); ok {
		item = values[variant]
	}
	for name, v := range fields {
		if v == 0 || name == scalar {
			continue
		}
		var value any
		if err := json.Unmarshal([]byte(strings.ReplaceAll(s.fields[name], "@", fmt.Sprint(v))), &value); err != nil {
			return nil, fmt.Errorf("%s: %w", s.fields[name], err)
		}
		item.(map[string]any)[name] = value
	}
	return item, nil
}

// SameItems reports whether two manifests declare the same, in any order, and with items in
// either of two forms.
func SameItems(a, b []byte) (bool, error) {
	x, errX := sorted(a)
	y, errY := sorted(b)
	if errX != nil {
		return false, errX
	}
	return bytes.Equal(x, y), errY
}

// sorted returns the JSON in text with all lists sorted.
func sorted(text []byte) ([]byte, error) {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return nil, err
	}
	return json.Marshal(sortLists(v))
}

func sortLists(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = sortLists(v[name])
			if len(v) == 1 && slices.Contains([]string{"id", "name", "value", "run", "path"}, name) {
				return v[name]
			}
		}
	case []any:
		for i := range v {
			v[i] = sortLists(v[i])
		}
		slices.SortFunc(v, func(a, b any) int { return strings.Compare(textOf(a), textOf(b)) })
	}
	return v
}

func textOf(v any) string {
	text, _ := json.Marshal(v) // it was read from JSON
	return string(text)
}
